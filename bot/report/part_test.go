package report

import (
	"strings"
	"testing"
)

func TestNamespacePart(t *testing.T) {
	t.Parallel()
	part, err := Namespace(sample(t), "ledger")
	if err != nil {
		t.Fatal(err)
	}
	text := string(part)
	for _, want := range []string{`<svg class="picture"`, "ledger-rotate-keys", "Proposed changes", `<table id="table">`} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %s", want)
		}
	}
	if strings.Contains(text, "storefront-web") || strings.Contains(text, "<!doctype") {
		t.Error("shows more than the namespace")
	}
	if part, err := Namespace(sample(t), "nowhere"); part != "" || err != nil {
		t.Errorf("an unknown namespace is %q, %v", part, err)
	}
}
