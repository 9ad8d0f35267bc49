package admin

import (
	"net/url"
	"slices"
	"testing"

	"tokenward/bot"
)

func TestRetryAsksTheQueue(t *testing.T) {
	t.Parallel()
	w, c := bench(t, "")
	server, client := serve(t, c)
	ledger := url.Values{"umbrella": {"platform"}, "namespace": {"ledger"}}
	if resp, _ := send(t, client, "POST", server.URL+"/retry", ledger, "Sec-Fetch-Site: same-origin"); resp.StatusCode != 303 || resp.Header.Get("Location") != "/" {
		t.Errorf("answers %d to %q", resp.StatusCode, resp.Header.Get("Location"))
	}
	for _, headers := range [][]string{{"Sec-Fetch-Site: cross-site"}, {"Sec-Fetch-Site: same-site"}, {"Origin: https://evil.example.com"}, {"Origin: null"}, {"Host: evil.example.com"}} {
		if resp, _ := send(t, client, "POST", server.URL+"/retry", ledger, headers...); resp.StatusCode != 403 {
			t.Errorf("%v: another site's request is answered %d", headers, resp.StatusCode)
		}
	}
	if resp, _ := send(t, client, "POST", server.URL+"/retry", url.Values{"umbrella": {"platform"}, "namespace": {"no-such"}}); resp.StatusCode != 404 {
		t.Errorf("an unknown unit is answered %d", resp.StatusCode)
	}
	if resp, _ := send(t, client, "GET", server.URL+"/retry?umbrella=platform&namespace=ledger", nil); resp.StatusCode != 405 {
		t.Errorf("GET is answered %d", resp.StatusCode)
	}
	if len(w.asked) != 1 || w.asked[0] != "platform/ledger: asked for on the admin page" {
		t.Errorf("the queue was asked for %q", w.asked)
	}
}

// What is shown as failed, or has a page, can be tried again, also where it is no namespace:
// then all of the umbrella is.
func TestRetryOfWhatIsNoNamespace(t *testing.T) {
	t.Parallel()
	w, c := bench(t, "")
	scan := c.Board.Umbrellas()[0].Scan
	scan.Changes = append(scan.Changes, bot.ChangeReport{Namespace: "left", Kind: "stale", Reason: "nothing is deployed into the namespace"})
	scan.Violations.Before = append(scan.Violations.Before, bot.ViolationReport{Namespace: "kube-system", Kind: "Pod", Name: "x"})
	c.Board.Record("platform", nil, scan, &bot.ProposeReport{
		MergeRequests: []bot.MergeRequestReport{{Unit: "drift repairs", Role: bot.RoleUmbrella, Project: "platform/umbrella", IID: 50, State: "opened"}},
		Failed:        []bot.FailureReport{{Unit: "dashboard", Reason: "open the dashboard issue of platform/umbrella: GitLab answers 403 Forbidden"}},
	}, now)
	server, client := serve(t, c)
	names := []string{"drift repairs", "dashboard", "left", "kube-system"}
	for _, name := range names {
		if resp, _ := send(t, client, "POST", server.URL+"/retry", url.Values{"umbrella": {"platform"}, "namespace": {name}}); resp.StatusCode != 303 {
			t.Errorf("%s: answers %d", name, resp.StatusCode)
		}
	}
	if len(w.asked) != len(names) || slices.ContainsFunc(w.asked, func(asked string) bool { return asked != "platform/: asked for on the admin page" }) {
		t.Errorf("the queue was asked for %q", w.asked)
	}
}
