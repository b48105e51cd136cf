package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
)

// A session begins under a new token, needs its own token for changes, and is gone when it is ended.
func TestKeeper(t *testing.T) {
	k := NewKeeper(false, http.SameSiteStrictMode)
	do := func(cookie *http.Cookie, f func(r *http.Request)) *http.Cookie {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		if cookie != nil {
			r.AddCookie(cookie)
		}
		w := httptest.NewRecorder()
		k.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { f(r) })).ServeHTTP(w, r)
		if set := w.Result().Cookies(); len(set) > 0 {
			return set[0]
		}
		return cookie
	}
	planted := do(nil, func(r *http.Request) { k.Put(r.Context(), "x", "y") })
	var csrf string
	own := do(planted, func(r *http.Request) {
		if err := k.Begin(r.Context(), "ann"); err != nil {
			t.Error(err)
		}
		csrf = k.CSRF(r.Context())
	})
	if own.Value == planted.Value || !own.HttpOnly || own.SameSite != http.SameSiteStrictMode {
		t.Errorf("%+v after %+v", own, planted)
	}
	do(planted, func(r *http.Request) {
		if u := k.User(r.Context()); u != "" {
			t.Errorf("the planted session is %s's", u)
		}
	})
	do(own, func(r *http.Request) {
		if k.User(r.Context()) != "ann" || k.HasToken(r) {
			t.Errorf("%s, a token that was not shown: %t", k.User(r.Context()), k.HasToken(r))
		}
		r.Header.Set(CSRFHeader, csrf)
		if !k.HasToken(r) {
			t.Error("the session's token is refused")
		}
		if k.Pop(r.Context(), "x") != "y" || k.Get(r.Context(), "x") != "" {
			t.Error("what was taken out is still there")
		}
		if err := k.End(r.Context()); err != nil {
			t.Error(err)
		}
	})
	do(own, func(r *http.Request) {
		if u := k.User(r.Context()); u != "" {
			t.Errorf("after its end the session is %s's", u)
		}
	})
}

// An address may try ten times at once; another one is not kept waiting by it.
func TestMayTry(t *testing.T) {
	k := NewKeeper(true, http.SameSiteLaxMode)
	for i := range 10 {
		if !k.MayTry("10.0.0.1") {
			t.Fatalf("try %d", i)
		}
	}
	if k.MayTry("10.0.0.1") || !k.MayTry("10.0.0.2") {
		t.Error("the eleventh try, or another address")
	}
}

// Equal refusals are one row with their number; a flood is bounded; what the journal does not take is kept.
func TestRefusals(t *testing.T) {
	var f Refusals
	r := httptest.NewRequest(http.MethodPost, "/v1/erasures", nil)
	for i := range 100 {
		f.Note(r, api.User{Name: fmt.Sprint("u", i%40), Peer: "10.0.0.1"}, "viewer", message.New("api.token"))
	}
	full := errors.New("full")
	f.Journal(t.Context(), func(context.Context, ...*observation.Observation) (int, error) { return 0, full })
	total, rows := uint64(0), 0
	commit := func(_ context.Context, all ...*observation.Observation) (int, error) {
		for _, o := range all {
			total, rows = total+uint64(o.Body.GetAgentAccess().Count), rows+1
		}
		return len(all), nil
	}
	f.Journal(t.Context(), commit)
	if total != 100 || rows != maxRefusals {
		t.Errorf("%d refusals in %d rows", total, rows)
	}
	if f.Journal(t.Context(), commit); rows != maxRefusals {
		t.Error("journalled twice")
	}
}

// A session that has ended is not found, and sessions are bounded: the one that would end first goes.
func TestStore(t *testing.T) {
	s := newStore()
	now := time.Now()
	for i := range maxSessions + 1 {
		if err := s.Commit(fmt.Sprint(i), []byte("x"), now.Add(time.Duration(i+60)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if _, there, _ := s.Find("0"); there || len(s.all) != maxSessions {
		t.Errorf("%d sessions", len(s.all))
	}
	s.Commit("old", []byte("x"), now.Add(-time.Second))
	if _, there, _ := s.Find("old"); there {
		t.Error("a session that has ended is found")
	}
	if s.sweep(now.Add(time.Hour)); len(s.all) != 0 {
		t.Errorf("%d are left", len(s.all))
	}
}
