package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"tokenward/bot/redact"
)

// What is written in pieces is struck as the whole would be, wherever a secret stands.
func TestWriteJSONStrikesSecrets(t *testing.T) {
	t.Parallel()
	var secrets redact.Set
	secrets.Add("very-secret")
	var lines []string
	for i := range 3000 {
		lines = append(lines, fmt.Sprintf("%d glpat-%020d https://bot:%dpassword@host very-secret", i, i, i))
	}
	var whole, struck bytes.Buffer
	for w, err := range map[*bytes.Buffer]error{&whole: writeJSON(&whole, lines), &struck: writeJSON(redact.NewWriter(&struck, &secrets), lines)} {
		if err != nil || w.Len() < 100_000 {
			t.Fatal(err, w.Len())
		}
	}
	if got := struck.String(); got != secrets.Text(whole.String()) || strings.Contains(got, "very-secret") || strings.Contains(got, "password@") || strings.Contains(got, "glpat-") {
		t.Errorf("written is %.500s", got)
	}
}

func TestWholeLines(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"": 0, "ab": 2, "ab\n": 3, "ab\ncd\nef\n": 3, "abcd\nef\n": 5, "abcdef": 6} {
		if got := wholeLines([]byte(text), 3); got != want {
			t.Errorf("of %q %d bytes, want %d", text, got, want)
		}
	}
}
