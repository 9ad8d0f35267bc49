package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tokenward/analysis"
	"tokenward/gitops/forge/sandbox"
)

const policiesProject = "platform/packages/kyverno-policies"

// smallUmbrella deploys one package and the policies.
var smallUmbrella = map[string][]byte{
	"README.md":        []byte("# Umbrella\n\nOne package and the policies.\n"),
	"chart/Chart.yaml": []byte("apiVersion: v2\nname: umbrella\nversion: 1.0.0\n"),
	"chart/values.yaml": []byte(`bulletin:
  enabled: true
  tag: 1.8.0-pf.2
`),
	"chart/templates/releases.yaml": []byte(`{{- define "umbrella.release" }}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata:
  name: {{ .name }}
  namespace: flux-system
spec:
  url: https://gitlab.example.com/platform/packages/{{ .name }}.git
  ref:
    tag: {{ .tag }}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: {{ .name }}
  namespace: flux-system
spec:
  targetNamespace: {{ .namespace }}
  chart:
    spec:
      chart: ./chart
      sourceRef:
        kind: GitRepository
        name: {{ .name }}
  values:
    {{- .values | nindent 4 }}
{{- end }}
{{- if .Values.bulletin.enabled }}
{{- include "umbrella.release" (dict "name" "bulletin" "namespace" "bulletin" "tag" .Values.bulletin.tag "values" "replicas: 1") }}
{{- end }}
{{- include "umbrella.release" (dict "name" "kyverno-policies" "namespace" "kyverno" "tag" "1.5.0-pf.0" "values" (include "umbrella.defaults.kyverno-policies" .)) }}
`),
	valuesFile: []byte(`{{- define "umbrella.defaults.kyverno-policies" -}}
policies:
  disallow-auto-mount-service-account-token:
    enabled: true

  update-automountserviceaccounttokens-default:
    enabled: true
    namespaces:
      - logbook

  # All other accounts of these namespaces lose the token; pods below allow get it back.
  update-automountserviceaccounttokens:
    enabled: true
    namespaces:
      - namespace: logbook
        pods:
          allow:
          # the aggregator reads pods
          - logbook-aggregator-*
{{- end }}
`),
}

// smallPlatforms makes platforms of a few packages and the policies, one at a time: all
// have the same address and the same commits, and git and the charts' templates are
// asked once about what they have in common.
type smallPlatforms struct {
	pattern  string // folder with the repositories as they are at first
	projects []string
	server   *httptest.Server
	handler  atomic.Pointer[sandbox.Server]
	memory   *sandbox.Memory
	renderer analysis.Renderer

	busy  sync.WaitGroup // calls that the server is at
	mu    sync.Mutex
	asked []string // the calls that may change something, as they arrived
}

func newSmallPlatforms(t *testing.T, renderer analysis.Renderer) *smallPlatforms {
	t.Helper()
	return newPlatformsOf(t, renderer, smallUmbrella, bulletinProject)
}

// newPlatformsOf makes platforms of an umbrella and the packages that it deploys beside the policies.
func newPlatformsOf(t *testing.T, renderer analysis.Renderer, umbrella map[string][]byte, packages ...string) *smallPlatforms {
	t.Helper()
	s := &smallPlatforms{pattern: t.TempDir(), memory: sandbox.NewMemory(), renderer: renderer, projects: append(packages, umbrellaProject, policiesProject)}
	for _, name := range append(packages, policiesProject) {
		if err := layoutSample(name, filepath.Join(s.pattern, name+".git")); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(s.pattern, umbrellaProject+".git")
	repo, err := initSample(dir)
	if err != nil {
		t.Fatal(err)
	}
	tip, err := commitSample(repo.Storer, umbrella, sampleSignature(0), "Begin")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, sampleBranch.String()), []byte(tip.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range s.projects { // into one file each
		if out, err := exec.Command("git", "-C", filepath.Join(s.pattern, name+".git"), "repack", "-adq").CombinedOutput(); err != nil {
			t.Fatalf("pack %s: %v\n%s", name, err, out)
		}
	}
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.busy.Add(1)
		defer s.busy.Done()
		if r.Method != http.MethodGet && !strings.HasSuffix(r.URL.Path, "/git-upload-pack") {
			s.mu.Lock()
			s.asked = append(s.asked, r.Method+" "+r.URL.Path)
			s.mu.Unlock()
		}
		s.handler.Load().ServeHTTP(w, r)
	}))
	s.server.Config.IdleTimeout = 10 * time.Second
	s.server.Start()
	t.Cleanup(s.server.Close)
	return s
}

// start makes a platform, which takes the place of the one before. The server has a
// clock that moves on, and the bot one that stands, so that it makes the same commits.
func (s *smallPlatforms) start(t *testing.T, now func() time.Time) *platform {
	t.Helper()
	p := &platform{t: t, dir: t.TempDir(), now: func() time.Time { return time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC) }, renderer: s.renderer, environment: map[string]string{}}
	for _, name := range s.projects {
		p.must(borrow(filepath.Join(s.pattern, name+".git"), filepath.Join(p.dir, name+".git")))
	}
	box, err := sandbox.New(sandbox.Config{Repositories: p.dir, Tokens: sandbox.DefaultTokens(), Now: now, Memory: s.memory, URL: s.server.URL})
	p.must(err)
	s.handler.Store(box)
	p.box = &runningSandbox{url: s.server.URL, box: box}
	return p
}

// written tells which calls may have changed something since it was asked last. The
// server's own log would add a call only when it is over, which may be after the caller went on.
func (s *smallPlatforms) written() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.asked
	s.asked = nil
	return out
}

// borrow makes a repository that has the refs of another and shares its files of objects.
func borrow(from, to string) error {
	for _, dir := range []string{"objects/pack", "refs/heads", "refs/tags"} {
		if err := os.MkdirAll(filepath.Join(to, dir), 0o700); err != nil {
			return err
		}
	}
	for _, pattern := range []string{"HEAD", "config", "refs/heads/*", "refs/tags/*", "objects/pack/*"} {
		found, err := filepath.Glob(filepath.Join(from, pattern))
		if err != nil {
			return err
		}
		for _, path := range found {
			name := strings.TrimPrefix(path, from+"/")
			if strings.HasPrefix(name, "objects/") {
				if err := os.Link(path, filepath.Join(to, name)); err != nil {
					return err
				}
				continue
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(to, name), raw, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}
