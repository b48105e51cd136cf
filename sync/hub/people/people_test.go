package people

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"lanewarden/edge/api"
	"lanewarden/edge/api/passwords"
)

// What is written is read again; roles and sites of a person who has several are all there.
func TestFile(t *testing.T) {
	hash, err := passwords.Hash("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	want := []Person{
		{Name: "a@example.ca", Roles: []Role{Officer, Expert}, Sites: []string{"windsor", "emerson-east"}, Hash: hash},
		{Name: "B.2", Roles: []Role{Admin}},
	}
	path := filepath.Join(t.TempDir(), "accounts")
	if err := Write(path, want); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %v", got, err)
	}
}

// Each line that is wrong is named with what is wrong.
func TestWrongLines(t *testing.T) {
	for line, want := range map[string]string{
		"a:viewer:*":                "NAME:ROLE,ROLE:SITE,SITE:HASH",
		"a:viewer::":                "NAME:ROLE,ROLE:SITE,SITE:HASH",
		"a::*:":                     "has no role",
		"a:boss:*:":                 "is no role",
		"a b:viewer:*:":             "is no name",
		"a:viewer:Windsor West:":    "is no site",
		"a:viewer:*:secret":         "argon2id",
		"a:viewer:*:\na:officer:*:": "twice",
	} {
		if _, err := Parse([]byte(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", line, err, want)
		}
	}
}

// A person may what one of the roles may; admin may all, and a role that there is not nothing.
func TestAllowed(t *testing.T) {
	p := Person{Roles: []Role{ListIssuer, Officer}}
	for _, s := range api.Scopes() {
		want := s != api.ScopeAdmin && s != api.ScopeCommands && s != api.ScopeLooks
		if p.Allowed(s) != want {
			t.Errorf("%s: %v", s, !want)
		}
		if admin := (Person{Roles: []Role{Admin}}); !admin.Allowed(s) {
			t.Errorf("an admin may not %s", s)
		}
		if other := (Person{Roles: []Role{"boss"}}); other.Allowed(s) {
			t.Errorf("a boss may %s", s)
		}
	}
}
