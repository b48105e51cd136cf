package notify

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/leodido/go-syslog/v4/rfc5424"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/ledger"
)

// secret is one of Standard Webhooks.
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// alarm is a radiation alarm of a row.
func alarm(seq int64, at time.Time) ledger.Event {
	o := observation.New(observation.Class_CLASS_ALARM, at, &observation.RadiationOccupancy{GammaAlarm: true})
	return event(seq, o, "rpm-1")
}

func event(seq int64, o *observation.Observation, device string) ledger.Event {
	body, err := protoMarshal(o.Body)
	if err != nil {
		panic(err)
	}
	return ledger.Event{Seq: seq, Site: "emerson-east", Agent: "lane-4", Journal: []byte{0xab, 0xcd}, Idx: seq, Class: o.Class,
		TimeNs: o.TimeNs, Device: device, Kind: o.Body.Kind(), Body: body}
}

// lettersOf returns a letter of an alarm for a rule and receiver.
func letterOf(t *testing.T, r Rule, to Receiver, link string) *letter {
	t.Helper()
	if r.Priority == "" {
		r.Priority = Automatic
	}
	if r.Language == "" {
		r.Language = "en"
	}
	w := &writer{link: link, rule: &r, to: &to}
	e := alarm(7, time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC))
	e.Passage, e.Plate = "p1", "ABC 1234"
	return w.newLetter(&e, "lane-4a", "12345678-7")
}

// TestWebhook: a CloudEvent whose signature the reference library of Standard Webhooks accepts, at the address of the file alone.
func TestWebhook(t *testing.T) {
	server := newWeb(t, always(204))
	to := Receiver{ID: "risk", Webhook: &Webhook{URL: server.URL + "/in", SecretFile: write(t, "secret", secret+"\n")}}
	out, err := newOutlet(&to)
	if err != nil {
		t.Fatal(err)
	}
	if err := out.send(t.Context(), letterOf(t, Rule{ID: "all"}, to, "")); err != nil {
		t.Fatal(err)
	}
	r := server.list()[0]
	hook, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := hook.Verify(r.body, r.head); err != nil {
		t.Errorf("the signature: %v (%v)", err, r.head)
	}
	var e hubapi.CloudEvent
	if err := json.Unmarshal(r.body, &e); err != nil {
		t.Fatal(err)
	}
	if r.path != "/in" || r.head.Get("Content-Type") != "application/cloudevents+json" || r.head.Get("webhook-id") != "abcd/7" ||
		e.ID != "abcd/7" || e.SpecVersion != "1.0" || e.Type != "lanewarden.radiation.occupancy.v1" || e.Cause == "" || e.CauseFR == "" ||
		e.Plate != "" || e.Passage != "p1" {
		t.Errorf("%s %v %+v", r.path, r.head, e)
	}
}

// TestAnswers: which answers are about the message, and which about the receiver; a redirection is not followed.
func TestAnswers(t *testing.T) {
	for code, wantRefused := range map[int]bool{302: false, 307: false, 400: true, 401: false, 404: false, 413: true, 422: true, 429: false, 503: false} {
		server := newWeb(t, always(code))
		to := Receiver{ID: "risk", Webhook: &Webhook{URL: server.URL, SecretFile: write(t, "secret", secret)}}
		out, err := newOutlet(&to)
		if err != nil {
			t.Fatal(err)
		}
		err = out.send(t.Context(), letterOf(t, Rule{ID: "all"}, to, ""))
		if err == nil || errors.Is(err, errRefused) != wantRefused || len(server.list()) != 1 {
			t.Errorf("%d: %v, %d requests", code, err, len(server.list()))
		}
	}
}

// TestNtfy: JSON with priority, click and a token; the text in French by the rule.
func TestNtfy(t *testing.T) {
	server := newWeb(t, always(200))
	to := Receiver{ID: "phone", Ntfy: &Ntfy{URL: server.URL, Topic: "lanes", TokenFile: write(t, "token", "tk_1")}}
	out, err := newOutlet(&to)
	if err != nil {
		t.Fatal(err)
	}
	if err := out.send(t.Context(), letterOf(t, Rule{ID: "all", Language: "fr", Personal: true}, to, "https://hub.example:8490")); err != nil {
		t.Fatal(err)
	}
	r := server.list()[0]
	var m struct {
		Topic, Title, Message, Click string
		Priority                     int
		Sequence                     string `json:"sequence_id"`
	}
	if err := json.Unmarshal(r.body, &m); err != nil {
		t.Fatal(err)
	}
	if r.head.Get("Authorization") != "Bearer tk_1" || m.Topic != "lanes" || m.Priority != 4 || m.Title != "Alarme\u00a0: emerson-east, lane-4a" ||
		m.Click != "https://hub.example:8490/#/passage/emerson-east/lane-4/p1" || !strings.Contains(m.Message, "Véhicule\u00a0: ABC 1234") ||
		len(m.Sequence) != 32 {
		t.Errorf("%v %s", r.head, r.body)
	}
}

// TestEmail: over STARTTLS and TLS with a password; text and HTML of the same words; what a device sent begins no header.
func TestEmail(t *testing.T) {
	config, ca := authority(t)
	for _, way := range []TLS{StartTLS, FullTLS} {
		t.Run(string(way), func(t *testing.T) {
			box := &mailbox{}
			to := Receiver{ID: "people", Email: &Email{
				Server: box.serve(t, config, way == FullTLS), TLS: way, User: "lanehub", PasswordFile: write(t, "password", mailPassword),
				CAFile: ca, From: "lanes@hub.example", To: []string{"Duty <duty@site.example>", "chief@site.example"},
			}}
			out, err := newOutlet(&to)
			if err != nil {
				t.Fatal(err)
			}
			l := letterOf(t, Rule{ID: "all", Language: "fr"}, to, "https://hub.example")
			l.title += "\r\nBcc: eve@evil.example\r\n\r\nx"
			if err := out.send(t.Context(), l); err != nil {
				t.Fatal(err)
			}
			m := box.list()[0]
			if !m.encrypted || m.user != "lanehub" || m.from != "lanes@hub.example" || strings.Join(m.to, " ") != "duty@site.example chief@site.example" {
				t.Errorf("%+v", m)
			}
			checkMail(t, m.text)
		})
	}
}

func checkMail(t *testing.T, text []byte) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || !strings.HasPrefix(subject, "Alarme\u00a0: emerson-east, lane-4a") {
		t.Errorf("subject %q: %v", subject, err)
	}
	if m.Header.Get("Bcc") != "" || m.Header.Get("Auto-Submitted") != "auto-generated" || m.Header.Get("Content-Language") != "fr" ||
		!strings.HasSuffix(m.Header.Get("Message-ID"), "@lanewarden.invalid>") {
		t.Errorf("%v", m.Header)
	}
	kind, of, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s, %v", kind, err)
	}
	parts := multipart.NewReader(m.Body, of["boundary"])
	for _, want := range []string{"text/plain", "text/html"} {
		p, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(p)
		if err != nil || !strings.HasPrefix(p.Header.Get("Content-Type"), want) || !strings.Contains(string(text), "Voie\u00a0: lane-4a") ||
			strings.Contains(string(text), "ABC") {
			t.Errorf("%s: %v, %q", p.Header.Get("Content-Type"), err, text)
		}
	}
}

// TestEmailTrouble: a wrong password, a certificate of nobody and a server without STARTTLS are the receiver's trouble; an
// address that the server does not know is refused.
func TestEmailTrouble(t *testing.T) {
	config, ca := authority(t)
	_, otherCA := authority(t)
	right := Email{TLS: StartTLS, User: "lanehub", PasswordFile: write(t, "password", mailPassword), CAFile: ca, From: "a@b.example", To: []string{"c@d.example"}}
	for name, c := range map[string]struct {
		change  func(*Email)
		config  *tls.Config
		refuse  bool
		refused bool
	}{
		"password":    {change: func(e *Email) { e.PasswordFile = write(t, "p", "wrong") }, config: config},
		"certificate": {change: func(e *Email) { e.CAFile = otherCA }, config: config},
		"no STARTTLS": {change: func(*Email) {}},
		"nobody":      {change: func(*Email) {}, config: config, refuse: true, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			box, e := &mailbox{refuse: c.refuse}, right
			e.Server = box.serve(t, c.config, false)
			c.change(&e)
			to := Receiver{ID: "people", Email: &e}
			out, err := newOutlet(&to)
			if err != nil {
				t.Fatal(err)
			}
			err = out.send(t.Context(), letterOf(t, Rule{ID: "all"}, to, ""))
			if err == nil || errors.Is(err, errRefused) != c.refused || len(box.list()) != 0 {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestSyslog: lines that a parser of RFC 5424 reads, over TCP, TLS and UDP; what a device sent ends no line.
func TestSyslog(t *testing.T) {
	config, ca := authority(t)
	for _, way := range []Transport{SyslogTCP, SyslogTLS, SyslogUDP} {
		t.Run(string(way), func(t *testing.T) {
			var line func() string
			s := &Syslog{Transport: way, Facility: 16}
			if way == SyslogUDP {
				c, err := net.ListenPacket("udp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { c.Close() })
				s.Address = c.LocalAddr().String()
				line = func() string {
					b := make([]byte, 65536)
					n, _, err := c.ReadFrom(b)
					if err != nil {
						t.Fatal(err)
					}
					return string(b[:n])
				}
			} else {
				collects := &collector{}
				if s.Address = collects.serve(t, nil); way == SyslogTLS {
					s.Address, s.CAFile = collects.serve(t, config), ca
				}
				line = func() string { return collects.list()[0] }
			}
			to := Receiver{ID: "siem", Syslog: s}
			out, err := newOutlet(&to)
			if err != nil {
				t.Fatal(err)
			}
			l := letterOf(t, Rule{ID: "all"}, to, `https://hub.example/"]x`)
			l.lines = append(l.lines, oneLine("a\nb"))
			if err := out.send(t.Context(), l); err != nil {
				t.Fatal(err)
			}
			text := line()
			parsed, err := rfc5424.NewParser().Parse([]byte(text))
			if err != nil {
				t.Fatalf("%v: %q", err, text)
			}
			m := parsed.(*rfc5424.SyslogMessage)
			data := (*m.StructuredData)["lanewarden@32473"]
			if *m.Facility != 16 || *m.Severity != 2 || *m.MsgID != "radiation.occupancy" || *m.Appname != "lanehub" || data["id"] != "abcd/7" ||
				data["link"] != l.link || !strings.Contains(*m.Message, "a b") || strings.ContainsAny(text, "\r\n") {
				t.Errorf("%+v %q", m, text)
			}
		})
	}
}

// TestDeadReceivers: nobody there, somebody who says nothing, and somebody who hangs up are errors, within a bounded time
// and without a goroutine that stays (TestMain).
func TestDeadReceivers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := l.Addr().String()
	l.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the system accepts, and nobody reads
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ways := func(address string) map[string]Receiver {
		return map[string]Receiver{
			"webhook": {Webhook: &Webhook{URL: "http://" + address, SecretFile: write(t, "s", secret)}},
			"ntfy":    {Ntfy: &Ntfy{URL: "http://" + address, Topic: "t"}},
			"email":   {Email: &Email{Server: address, TLS: PlainText, From: "a@b.example", To: []string{"c@d.example"}}},
			"tls":     {Syslog: &Syslog{Address: address, Transport: SyslogTLS}},
		}
	}
	for name, to := range ways(gone) {
		out, err := newOutlet(&to)
		if err != nil {
			t.Fatal(err)
		}
		if err := out.send(t.Context(), letterOf(t, Rule{ID: "all"}, to, "")); err == nil || errors.Is(err, errRefused) {
			t.Errorf("%s with nobody there: %v", name, err)
		}
	}
	for name, to := range ways(silent.Addr().String()) {
		out, err := newOutlet(&to)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err = out.send(ctx, letterOf(t, Rule{ID: "all"}, to, ""))
		cancel()
		if err == nil || errors.Is(err, errRefused) {
			t.Errorf("%s with somebody who says nothing: %v", name, err)
		}
	}
}

// TestUnwantedProxy: a proxy of the environment is not used, as the file has all addresses.
func TestUnwantedProxy(t *testing.T) {
	client, err := newClient("")
	if err != nil {
		t.Fatal(err)
	}
	if client.Transport.(*http.Transport).Proxy != nil {
		t.Error("the client looks for a proxy")
	}
}
