package webjson_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lanewarden/drivers/site/webjson"
	"lanewarden/drivers/transport"
)

// gauge is a profile of one message with a time and one field.
func gauge() *webjson.Profile {
	p := &webjson.Profile{Name: "gauge", Request: "/status", Messages: []webjson.Message{{
		Name: "level", Time: "at", Fields: []webjson.Field{{Path: "mm"}},
	}}}
	p.Messages[0].Fields[0].Name, p.Messages[0].Fields[0].Factor = "level", 0.1
	return p
}

// TestMoments: times are RFC 3339 with a zone, or seconds or milliseconds since 1970 from 2001 to 2286.
func TestMoments(t *testing.T) {
	for _, c := range []struct {
		name, at string
		want     string // "" for none
	}{
		{"UTC", `"2026-03-01T14:05:00Z"`, "2026-03-01T14:05:00Z"},
		{"with an offset", `"2026-03-01T09:05:00.25-05:00"`, "2026-03-01T14:05:00.25Z"},
		{"seconds", `1772373900`, "2026-03-01T14:05:00Z"},
		{"seconds with a fraction", `1772373900.5`, "2026-03-01T14:05:00.5Z"},
		{"milliseconds", `1772373900250`, "2026-03-01T14:05:00.25Z"},
		{"the first second", `1000000000`, "2001-09-09T01:46:40Z"},
		{"before it", `999999999`, ""},
		{"microseconds", `1772373900250000`, ""},
		{"no zone", `"2026-03-01T14:05:00"`, ""},
		{"null", `null`, ""},
		{"a block", `{"t":1}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := webjson.Decode(gauge(), fmt.Appendf(nil, `{"at":%s,"mm":12}`, c.at))
			if c.want == "" {
				if err == nil || len(got) != 0 {
					t.Errorf("%v, %v", got, err)
				}
				return
			}
			if err != nil || len(got) != 1 || got[0].At.Format(time.RFC3339Nano) != c.want {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

// TestNumbers: a number is multiplied with its factor; text that looks like one stays text.
func TestNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Float64Range(-1e12, 1e12).Draw(t, "value")
		for _, doc := range []string{`{"at":1772373900,"mm":%v}`, `{"at":1772373900,"mm":"%v"}`} {
			quoted := strings.Contains(doc, `"%v"`)
			got, err := webjson.Decode(gauge(), fmt.Appendf(nil, doc, v))
			if err != nil || len(got) != 1 || len(got[0].Values) != 1 {
				t.Fatalf("%v, %v", got, err)
			}
			one := got[0].Values[0]
			if one.Name != "level" || one.IsNum == quoted || !quoted && one.Number != v*0.1 {
				t.Fatalf("%v became %+v", v, one)
			}
		}
	})
}

func TestProfileCheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(p *webjson.Profile)
		err    string
	}{
		{"sound", func(*webjson.Profile) {}, ""},
		{"no messages", func(p *webjson.Profile) { p.Messages = nil }, "there are no messages"},
		{"a request of another host", func(p *webjson.Profile) {
			p.Request = "@example.org/"
		}, "does not begin with /"},
		{"a message twice", func(p *webjson.Profile) { p.Messages = append(p.Messages, p.Messages[0]) },
			"message level is given twice"},
		{"no fields", func(p *webjson.Profile) { p.Messages[0].Fields = nil }, "message level: has 0 fields"},
		{"too many fields", func(p *webjson.Profile) {
			p.Messages[0].Fields = make([]webjson.Field, 65)
		}, "has 65 fields"},
		{"a field twice", func(p *webjson.Profile) {
			p.Messages[0].Fields = append(p.Messages[0].Fields, p.Messages[0].Fields[0])
		}, "field level is given twice"},
		{"a path without end", func(p *webjson.Profile) { p.Messages[0].Fields[0].Path = strings.Repeat("a.", 101) },
			"path is longer than 200 characters"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := gauge()
			c.change(p)
			if err := p.Check(); (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Error(err)
			}
		})
	}
}

func TestConfigCheck(t *testing.T) {
	post := &transport.HTTP{Listen: "127.0.0.1:8080", Path: "/x"}
	for _, c := range []struct {
		name string
		c    webjson.Config
		err  string
	}{
		{"asked", webjson.Config{URL: "https://192.0.2.20"}, ""},
		{"neither", webjson.Config{}, "give one of url and http"},
		{"both", webjson.Config{URL: "http://192.0.2.20", HTTP: post}, "give one of url and http"},
		{"another scheme", webjson.Config{URL: "file:///etc/passwd"}, "http://HOST or https://HOST is expected"},
		{"no host", webjson.Config{URL: "http://"}, "http://HOST"},
		{"a host alone", webjson.Config{URL: "192.0.2.20"}, "http://HOST"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.c.Check(); (err == nil) != (c.err == "") || err != nil &&
				!strings.Contains(err.Error(), c.err) {
				t.Error(err)
			}
		})
	}
}

// TestAsk: the device is asked at the profile's path, with the token when there is one; answers that are no document,
// or too large, are errors.
func TestAsk(t *testing.T) {
	var path, token string
	answer := func(w http.ResponseWriter) {}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, token = r.URL.Path, r.Header.Get("Authorization")
		answer(w)
	}))
	defer s.Close()
	for _, c := range []struct {
		name, token, want, err string
		answer                 func(w http.ResponseWriter)
	}{
		{"a document", "", "{}", "", func(w http.ResponseWriter) { fmt.Fprint(w, "{}") }},
		{"with a token", "abc", "{}", "", func(w http.ResponseWriter) { fmt.Fprint(w, "{}") }},
		{"refused", "", "", "/status answers 401 Unauthorized",
			func(w http.ResponseWriter) { http.Error(w, "{}", http.StatusUnauthorized) }},
		{"as large as may be", "", strings.Repeat(" ", 1<<20), "",
			func(w http.ResponseWriter) { fmt.Fprint(w, strings.Repeat(" ", 1<<20)) }},
		{"larger", "", "", "answers with more than 1,048,576 bytes",
			func(w http.ResponseWriter) { fmt.Fprint(w, strings.Repeat(" ", 1<<20+1)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer = c.answer
			doc, err := webjson.Ask(context.Background(), s.Client(), s.URL+"/", gauge(), c.token)
			if string(doc) != c.want || (err == nil) != (c.err == "") || err != nil &&
				!strings.Contains(err.Error(), c.err) {
				t.Errorf("%d bytes, %v", len(doc), err)
			}
			want := ""
			if c.token != "" {
				want = "Bearer " + c.token
			}
			if path != "/status" || token != want {
				t.Errorf("asked for %s with %q", path, token)
			}
		})
	}
}
