package service

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tokenward/bot/queue/storetest"
)

// Many deliveries at full speed from 50 connections: every one is answered with 200,
// and all that was answered is run. TOKENWARD_FLOOD says how many.
func TestFloodOnSQLite(t *testing.T) {
	flood(t, storetest.SQLite(t), "")
}

func TestFloodOnPostgres(t *testing.T) {
	store, password := storetest.Postgres(t)
	flood(t, store, password)
}

func flood(t *testing.T, store, password string) {
	if testing.Short() {
		t.Skip("floods a process")
	}
	total := 1000
	if n, err := strconv.Atoi(os.Getenv("TOKENWARD_FLOOD")); err == nil {
		total = n
	}
	const connections = 50
	w := newWitness(t)
	c := startChild(t, store, password, w.server.URL)
	c.waitReady(t)
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections}}
	defer client.CloseIdleConnections()
	if status, err := deliver(t.Context(), client, c.url, "first", 0); err != nil || status != http.StatusOK {
		t.Fatalf("the first delivery: %d, %v", status, err)
	}
	s := &stream{answered: map[string]time.Time{}}
	took := make([]time.Duration, total)
	memory := []int{c.memory()}
	var next atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for range connections {
		all.Go(func() {
			for {
				n := int(next.Add(1)) - 1
				if n >= total {
					return
				}
				sent := time.Now()
				status, err := deliver(t.Context(), client, c.url, fmt.Sprint("flood-", n), n)
				took[n] = time.Since(sent)
				if err != nil || status != http.StatusOK {
					t.Errorf("delivery %d: %d, %v", n, status, err)
					return
				}
				s.mu.Lock()
				if s.answered[namespace(n)].Before(sent) {
					s.answered[namespace(n)] = sent
				}
				if n%(total/4) == 0 {
					memory = append(memory, c.memory())
				}
				s.mu.Unlock()
			}
		})
	}
	all.Wait()
	elapsed := time.Since(began)
	memory = append(memory, c.memory())
	w.settled(s)
	slices.Sort(took)
	t.Logf("%d deliveries from %d connections: %.0f a second; answered after %s (median), %s (99 of 100), %s (slowest); memory in MiB at the start, at each quarter and at the end: %v",
		total, connections, float64(total)/elapsed.Seconds(), took[total/2].Round(time.Millisecond), took[total*99/100].Round(time.Millisecond), took[total-1].Round(time.Millisecond), mebibytes(memory))
}

func mebibytes(kib []int) []int {
	var out []int
	for _, k := range kib {
		out = append(out, k/1024)
	}
	return out
}
