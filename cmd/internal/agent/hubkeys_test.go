package agent

import (
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"lanewarden/sync/wire"
)

func hubKey(t *testing.T) string {
	_, public, err := note.GenerateKey(rand.Reader, wire.HubKeyName)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// A key is kept once. What a writing that failed has left beside the file costs none of those that are kept.
func TestHubKeys(t *testing.T) {
	k := newHubKeys(t.TempDir(), slog.New(slog.DiscardHandler))
	first, second := hubKey(t), hubKey(t)
	k.add(first)
	k.add(first)
	if err := os.Symlink(filepath.Join(t.TempDir(), "none", "there"), k.path+".new"); err != nil {
		t.Fatal(err)
	}
	k.add(second)
	k.add("no key")
	if all, err := k.all(); err != nil || !slices.Equal(all, []string{first, second}) {
		t.Errorf("%q, %v; want %q and %q", all, err, first, second)
	}
}
