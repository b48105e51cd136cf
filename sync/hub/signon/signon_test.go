package signon

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// settings opens settings with these lines more.
func settings(t *testing.T, more string) (*Provider, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "oidc.yaml")
	text := "issuer: https://login.example\nclient_id: lanehub\nurl: https://hub.example/\n" + more
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Open(file)
}

const rules = `roles:
  - {value: officers-windsor, roles: [officer], sites: [windsor]}
  - {value: experts, roles: [expert, officer], sites: [sarnia]}
  - {value: heads, roles: [supervisor]}
`

// What a person is follows from the values of the claim: all roles of the rules that fit, the sites of them all, and every
// site where one rule names none.
func TestPersonOf(t *testing.T) {
	p, err := settings(t, rules)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		claims, roles, sites, fault string
	}{
		"one text":        {`{"preferred_username": "ann", "groups": "officers-windsor"}`, "officer", "windsor", ""},
		"a list":          {`{"preferred_username": "ann", "groups": ["x", "experts", "officers-windsor"]}`, "expert,officer", "windsor sarnia", ""},
		"one of all":      {`{"preferred_username": "ann", "groups": ["experts", "heads"]}`, "expert,officer,supervisor", "", ""},
		"no rule":         {`{"preferred_username": "ann", "groups": ["cooks"]}`, "", "", "has no role"},
		"no claim":        {`{"preferred_username": "ann"}`, "", "", "has no role"},
		"another type":    {`{"preferred_username": "ann", "groups": {"experts": true}}`, "", "", "has no role"},
		"no name":         {`{"groups": "experts"}`, "", "", "gives no name"},
		"a name of lines": {`{"preferred_username": "ann\nadmin", "groups": "experts"}`, "", "", "is no name"},
	} {
		t.Run(name, func(t *testing.T) {
			var claims map[string]json.RawMessage
			if err := json.Unmarshal([]byte(c.claims), &claims); err != nil {
				t.Fatal(err)
			}
			who, err := p.personOf(claims)
			if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
				t.Fatalf("%+v %v, want %q", who, err, c.fault)
			}
			if err == nil && (who.RoleNames() != c.roles || strings.Join(who.Sites, " ") != c.sites) {
				t.Errorf("%+v", who)
			}
		})
	}
}

// A file that is wrong is refused with what is wrong in it.
func TestWrongSettings(t *testing.T) {
	for more, want := range map[string]string{
		"":                                   "roles",
		"roles: [{value: x, roles: [boss]}]": "boss",
		"roles: [{value: x, roles: []}]":     "roles",
		rules + "isuer: x":                   "isuer",
		rules + "ca_file: /nowhere.pem":      "nowhere",
		rules + "secret_file: /nowhere":      "nowhere",
		"roles: [{value: x, roles: [viewer], sites: [A B]}]": "A B",
	} {
		if _, err := settings(t, more); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", more, err, want)
		}
	}
	if _, err := settings(t, rules); err != nil {
		t.Error(err)
	}
}
