package tokens_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lanewarden/edge/api"
	"lanewarden/sync/hub/tokens"
)

func TestParse(t *testing.T) {
	hash := strings.Repeat("0a", 32)
	for name, c := range map[string]struct{ text, fault string }{
		"whole":        {text: "# who\n\nrisk:feed,artifacts:" + hash + "\nops:fleet:certificate\n"},
		"parts":        {text: "risk:feed\n", fault: "line 1: is not NAME:SCOPE,SCOPE:HASH"},
		"no scope":     {text: "risk::" + hash, fault: `line 1: "" is no scope: feed, artifacts, fleet, cases, commands, looks, admin`},
		"scope":        {text: "\nrisk:feeds:" + hash, fault: `line 2: "feeds" is no scope`},
		"name":         {text: "a b:feed:" + hash, fault: `line 1: "a b" is no name`},
		"no name":      {text: ":feed:" + hash, fault: `line 1: "" is no name`},
		"hash":         {text: "risk:feed:abc", fault: `line 1: risk: "abc" is neither a SHA-256 in hex`},
		"twice":        {text: "risk:feed:" + hash + "\nrisk:fleet:" + hash, fault: "line 2: risk is there twice"},
		"long":         {text: strings.Repeat("n", 65) + ":feed:" + hash, fault: "is no name"},
		"an old token": {text: "risk:feed:" + hash + "00", fault: "neither a SHA-256"},
	} {
		t.Run(name, func(t *testing.T) {
			all, err := tokens.Parse([]byte(c.text))
			switch {
			case c.fault == "" && (err != nil || len(all) != 2):
				t.Errorf("%d holders, %v", len(all), err)
			case c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)):
				t.Errorf("%v, want %s", err, c.fault)
			}
		})
	}
}

func TestAllowed(t *testing.T) {
	feed := tokens.Holder{Scopes: []api.Scope{api.ScopeFeed}}
	admin := tokens.Holder{Scopes: []api.Scope{api.ScopeAdmin}}
	for _, s := range api.Scopes() {
		if feed.Allowed(s) != (s == api.ScopeFeed) || !admin.Allowed(s) {
			t.Errorf("%s: %v, admin %v", s, feed.Allowed(s), admin.Allowed(s))
		}
	}
}

// What is written is read again; a token is in no file; who is taken out is not found any more.
func TestBook(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	token, hash := tokens.New()
	risk := tokens.Holder{Name: "risk", Scopes: []api.Scope{api.ScopeFeed, api.ScopeArtifacts}, Hash: hash}
	ops := tokens.Holder{Name: "ops", Scopes: []api.Scope{api.ScopeFleet}}
	write := func(all ...tokens.Holder) {
		t.Helper()
		if err := tokens.Write(file, all); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tokens.Open(file); err == nil {
		t.Error("a file that is not there was opened: nobody could be let in")
	}
	write(risk, ops)
	text, err := os.ReadFile(file)
	info, _ := os.Stat(file)
	if err != nil || bytes.Contains(text, []byte(token)) || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v\n%s", err, info.Mode(), text)
	}
	b, err := tokens.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	if h, ok := b.ByToken(token); !ok || h.Name != "risk" || !slices.Equal(h.Scopes, risk.Scopes) {
		t.Errorf("%+v %v", h, ok)
	}
	if h, ok := b.ByCertificate("ops"); !ok || h.Name != "ops" {
		t.Errorf("%+v %v", h, ok)
	}
	for what, found := range map[string]func() (tokens.Holder, bool){
		"another token":                      func() (tokens.Holder, bool) { return b.ByToken(token + "x") },
		"no token":                           func() (tokens.Holder, bool) { return b.ByToken("") },
		"a certificate where a token counts": func() (tokens.Holder, bool) { return b.ByCertificate("risk") },
		"a stranger's certificate":           func() (tokens.Holder, bool) { return b.ByCertificate("") },
	} {
		if h, ok := found(); ok {
			t.Errorf("%s is %s", what, h.Name)
		}
	}
	write(ops)
	if _, ok := b.ByToken(token); ok {
		t.Error("who was taken out is let in")
	}
	if err := os.WriteFile(file, []byte("not a line"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.ByCertificate("ops"); !ok {
		t.Error("a file that cannot be read shuts out who was known")
	}
}
