package sandbox

import "testing"

func FuzzSplitPatch(f *testing.F) {
	f.Add("diff --git a/x b/x\nindex 1..2\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", ":100644 100644 1 2 M\x00x\x00")
	f.Add("diff --git a/x b/y\nsimilarity index 100%\n", ":100644 100644 1 2 R100\x00x\x00y\x00")
	f.Add("Binary files a and b differ\n@@ -99999999999999999999 +1 @@\n", ":1 2 R\x00")
	f.Fuzz(func(t *testing.T, patch, raw string) {
		bodies := splitPatch(patch)
		for _, body := range bodies {
			var view fileView
			view.read(body)
			if view.Added+view.Removed > len(view.Lines)+view.More {
				t.Errorf("%d added, %d removed of %d lines", view.Added, view.Removed, len(view.Lines))
			}
		}
		files, err := parseRaw(raw)
		if err != nil {
			return
		}
		if err := fillPatches(files, bodies); err == nil && len(bodies) < len(files) {
			t.Errorf("%d bodies filled %d files", len(bodies), len(files))
		}
	})
}
