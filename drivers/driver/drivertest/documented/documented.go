// Package documented holds the figures of the code against the documents that state them: a phrase that is made with the
// constant must stand in the document, so that neither changes without the other. For tests only.
package documented

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Require fails for each phrase that a document in docs does not have. Where its lines break does not count. The
// tests' folder may be anywhere below the repository's root.
func Require(t testing.TB, document string, phrases ...string) {
	t.Helper()
	dir := "."
	for i := 0; i < 8; i++ {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		dir = filepath.Join(dir, "..")
	}
	text, err := os.ReadFile(filepath.Join(dir, "docs", document))
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Join(strings.Fields(string(text)), " ")
	for _, p := range phrases {
		if !strings.Contains(said, p) {
			t.Errorf("docs/%s does not say %q", document, p)
		}
	}
}
