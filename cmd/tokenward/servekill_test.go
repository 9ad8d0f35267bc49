package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenward/bot/queue/storetest"
	"tokenward/gitops/forge/sandbox"
)

// The program as it is, on the sample platform, is killed again and again at random calls
// that it makes, under a stream of webhooks, while people ask it things. At the end
// all is on the server once, and every delivery that was answered with 2xx was
// followed by a run. TOKENWARD_KILLS sets how often, instead of a few times; the calls are
// drawn from a fixed seed.
func TestServeKilledOnSQLite(t *testing.T) {
	t.Parallel()
	serveKilled(t, 1, "TOKENWARD_STORE="+storetest.SQLite(t))
}

func TestServeKilledReplicasOnPostgres(t *testing.T) {
	t.Parallel()
	store, password := storetest.Postgres(t)
	serveKilled(t, 2, "TOKENWARD_STORE="+store, "TOKENWARD_STORE_PASSWORD="+password)
}

func serveKilled(t *testing.T, replicas int, store ...string) {
	kills := 3
	if testing.Short() {
		kills = 2
	}
	if n, err := strconv.Atoi(os.Getenv("TOKENWARD_KILLS")); err == nil {
		kills = n
	}
	features := map[string]string{"TOKENWARD_ISSUES_TRACKING": "true", "TOKENWARD_ISSUES_DASHBOARD": "true"}
	calm := newPlatform(t)
	calm.environment = features
	calm.run(developer, "propose")

	k := &killing{platform: newPlatform(t), replicas: make([]*served, replicas), dice: rand.New(rand.NewPCG(11, uint64(replicas))), answered: map[string]time.Time{}, logs: map[*served]bool{},
		environment: append([]string{"TOKENWARD_SERVE_ATTEMPTS=1000"}, store...)}
	for key, value := range features {
		k.environment = append(k.environment, key+"="+value)
	}
	k.box.box.SetFault(k.call)
	began := time.Now()
	for i := range k.replicas {
		k.begin(i)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var sender sync.WaitGroup
	sender.Go(func() { k.send(ctx) })
	stopSending := func() {
		cancel()
		sender.Wait()
	}
	defer stopSending()
	for n := range kills {
		victim := n % replicas
		if n > 0 { // the first dies in its first run, before there are requests
			k.ask(k.replicas[victim])
		}
		k.await(k.replicas[victim])
		k.replicas[victim].kill()
		k.begin(victim)
	}
	stopSending()
	k.settle()
	for _, s := range k.replicas {
		if err := s.stop(t); err != nil {
			t.Errorf("told to stop, it ends with %v", err)
		}
	}
	k.checkRuns()
	k.checkNotes()
	if d := cmp.Diff(calm.once(), k.once()); d != "" {
		t.Errorf("the server has other things than after one calm run (-calm +killed):\n%s", d)
	}
	t.Logf("%d kills of %d processes in %s: %d deliveries answered, %d commands, %d calls", kills, replicas, time.Since(began).Round(time.Second), k.count, k.asked, k.calls)
}

// killing is the sample platform with processes that work on it and die.
type killing struct {
	*platform
	environment []string
	replicas    []*served
	dice        *rand.Rand
	logs        map[*served]bool // of all processes that ever were
	asked       int              // commands that people gave

	mu       sync.Mutex
	calls    int           // that the bot made
	left     int           // until hit is closed
	hit      chan struct{} // nil while nobody waits
	servers  []string
	count    int
	answered map[string]time.Time // by namespace: when the last delivery was sent that was answered with 2xx
}

func (k *killing) begin(i int) {
	k.replicas[i] = k.startServe(k.environment...)
	k.logs[k.replicas[i]] = true
}

// call counts the bot's calls of the server and strikes none.
func (k *killing) call(sandbox.Request) sandbox.Fault {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls++
	if k.left--; k.left == 0 && k.hit != nil {
		close(k.hit)
		k.hit = nil
	}
	return sandbox.Fault{}
}

// await returns at some call from now, or, now and then, at some moment of a process's start.
func (k *killing) await(victim *served) {
	if k.dice.IntN(7) == 6 {
		<-time.After(time.Duration(k.dice.IntN(500)) * time.Millisecond)
		return
	}
	var servers []string
	for _, s := range k.replicas {
		servers = append(servers, s.address(k.t))
	}
	hit := make(chan struct{})
	k.mu.Lock()
	k.servers, k.left, k.hit = servers, 1+k.dice.IntN(40*(1+k.dice.IntN(8))), hit
	k.mu.Unlock()
	select {
	case <-hit:
	case <-victim.ctx.Done():
		k.t.Errorf("the process died by itself:\n%s", victim.log)
	case <-time.After(patience):
		k.t.Fatalf("the bot makes no calls any more:\n%s", victim.log)
	}
}

// packages are the projects that webhooks tell of; each has the namespace of its name.
func packages() []string { return []string{bulletinProject, certkeeperProject, logbookProject} }

func namespaceOf(project string) string { return project[strings.LastIndex(project, "/")+1:] }

// send delivers pushes until ctx ends, to whoever is up.
func (k *killing) send(ctx context.Context) {
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		k.mu.Lock()
		server := ""
		if len(k.servers) > 0 {
			server = k.servers[n%len(k.servers)]
		}
		k.mu.Unlock()
		project, sent := packages()[n%len(packages())], time.Now()
		if status, err := push(ctx, server, serveSecret, project, fmt.Sprint("delivery-", n)); err == nil && status/100 == 2 {
			k.mu.Lock()
			k.count++
			k.answered[namespaceOf(project)] = sent
			k.mu.Unlock()
		}
	}
}

// ask gives a command on one of the requests that webhooks lead to, once there is one.
func (k *killing) ask(s *served) {
	var all []sandbox.MergeRequest
	if !poll(s.ctx, func() bool {
		all = slices.DeleteFunc(k.box.box.MergeRequests(), func(m sandbox.MergeRequest) bool {
			return !slices.ContainsFunc(packages(), func(project string) bool { return m.SourceBranch == "tokenward/"+namespaceOf(project) })
		})
		return len(all) > 0
	}) {
		k.t.Fatalf("no request to give a command on:\n%s", s.log)
	}
	m := all[k.dice.IntN(len(all))]
	k.asked++
	k.must(k.box.box.AddNote(k.t.Context(), m.Project, m.IID, maintainer, fmt.Sprintf("/tokenward explain nothing-%d", k.asked)))
}

// settle has everything run once more and waits until nothing is left to do.
func (k *killing) settle() {
	for _, project := range packages() {
		server, sent := k.replicas[0].address(k.t), time.Now()
		if status, err := push(k.t.Context(), server, serveSecret, project, "last-"+project); err != nil || status != 200 {
			k.t.Errorf("the last delivery of %s: %d, %v", project, status, err)
		}
		k.answered[namespaceOf(project)] = sent
	}
	idle := regexp.MustCompile(`(?s)tokenward_queue_units\{state="pausing"\} 0\n.*\{state="running"\} 0\n.*\{state="waiting"\} 0\n`)
	s := k.replicas[0]
	if !poll(s.ctx, func() bool { return idle.MatchString(s.page(k.t, "/metrics")) }) {
		k.t.Fatalf("there is always something left to do:\n%s", s.log)
	}
}

var runLine = regexp.MustCompile(`(?m)^time=(\S+) level=\S+ msg="run (begins|ends)" umbrella=umbrella namespace=(\S+) run=(\d+)(?: .*?result=(\S+))?`)

// checkRuns checks that every namespace was in a run after its last delivery, from begin to end.
func (k *killing) checkRuns() {
	began, ended := map[string]time.Time{}, map[string]string{}
	namespace := map[string]string{}
	for s := range k.logs {
		for _, m := range runLine.FindAllStringSubmatch(s.log.text.String(), -1) {
			at, err := time.Parse(time.RFC3339Nano, m[1])
			k.must(err)
			if namespace[m[4]] = m[3]; m[2] == "begins" {
				began[m[4]] = at
			} else {
				ended[m[4]] = m[5]
			}
		}
	}
	for ns, sent := range k.answered {
		followed := false
		for run, of := range namespace {
			followed = followed || (of == ns || of == `""`) && !began[run].Before(sent.Truncate(time.Millisecond)) && (ended[run] == "done" || ended[run] == "refused")
		}
		if !followed {
			k.t.Errorf("a delivery for %s was answered and no run followed", ns)
		}
	}
}

// checkNotes checks that every command was answered once, and that nothing else is said twice.
func (k *killing) checkNotes() {
	for _, m := range k.box.box.MergeRequests() {
		answers, said := map[string]int{}, map[string]int{}
		for _, n := range m.Notes {
			switch {
			case n.System:
			case n.Author == maintainer:
				answers[n.DiscussionID] += 0
			case strings.Contains(n.Body, "nothing-"):
				answers[n.DiscussionID]++
			default:
				said[n.Body]++
			}
		}
		for id, n := range answers {
			if n != 1 {
				k.t.Errorf("%s: the command of discussion %s has %d answers", name(m), id, n)
			}
		}
		for body, n := range said {
			if n > 1 {
				k.t.Errorf("%s: said %d times: %s", name(m), n, body)
			}
		}
	}
}

// once lists the requests, issues and branches of a platform, by what they are and not by number.
func (p *platform) once() []string {
	p.t.Helper()
	var out []string
	for _, m := range p.box.box.MergeRequests() {
		diff := blobs.ReplaceAllString(strings.ReplaceAll(p.git(m.Project, "diff", "main..."+m.SourceBranch), p.box.url, "http://server"), "")
		out = append(out, fmt.Sprintf("%s request %s %q %s\n%s", m.Project, m.SourceBranch, m.Title, m.State, diff))
	}
	for _, i := range p.box.box.Issues() {
		out = append(out, fmt.Sprintf("%s issue %q %s", i.Project, i.Title, i.State))
	}
	for _, project := range append(packages(), umbrellaProject) {
		for branch := range strings.Lines(p.git(project, "branch", "--format=%(refname:short)")) {
			out = append(out, project+" branch "+strings.TrimSpace(branch))
		}
	}
	slices.Sort(out)
	return out
}
