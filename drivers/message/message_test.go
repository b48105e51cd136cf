package message

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	twin "lanewarden/drivers/observation/coded"
)

// plain shows no-break spaces as underscores.
func plain(s string) string { return strings.ReplaceAll(s, nbsp, "_") }

func TestValues(t *testing.T) {
	for _, c := range []struct {
		value  Value
		en, fr string
	}{
		{Num{Value: 24050.5, Decimals: 1}, "24,050.5", "24_050,5"},
		{Num{Value: -0.04, Decimals: 1}, "0", "0"},
		{Num{Value: -3, Decimals: 1, Fixed: true}, "−3.0", "−3,0"},
		{Num{Value: 7, Decimals: 1, Fixed: true, Unit: "km/h"}, "7.0_km/h", "7,0_km/h"},
		{Num{Value: math.NaN()}, "–", "–"},
		{Num{Value: math.Inf(-1)}, "–", "–"},
		{Plural(1234), "1,234", "1_234"},
		{Span{Duration: 41 * time.Second}, "41_s", "41_s"},
		{Span{Duration: 9*time.Minute + 20*time.Second}, "9_min", "9_min"},
		{Span{Duration: 59*time.Minute + 40*time.Second}, "1_h_00", "1_h_00"},
		{Span{Duration: 2*time.Hour + 47*time.Minute}, "2_h_47", "2_h_47"},
		{Span{Duration: 72 * time.Hour}, "3_days", "3_jours"},
		{Span{Duration: -time.Second}, "0_s", "0_s"},
		{Span{Duration: 250 * time.Millisecond, Exact: true}, "250_ms", "250_ms"},
		{Span{Duration: 2500 * time.Millisecond, Exact: true}, "2.5_s", "2,5_s"},
		{List{"a", "b"}, "a, b", "a, b"},
		{List{"a", "b", "c", "d", "e", "f"}, "a, b, c, d, e and 1 more", "a, b, c, d, e et 1_autre"},
		{List(strings.Split("abcdefgh", "")), "a, b, c, d, e and 3 more", "a, b, c, d, e et 3_autres"},
		{Instant{time.Date(2026, 3, 1, 14, 5, 59, 0, time.UTC), ToMinute}, "2026-03-01 14:05 UTC", "2026-03-01 14:05 UTC"},
		{Instant{time.Date(2026, 3, 1, 14, 5, 59, 0, time.UTC), ToDay}, "2026-03-01", "2026-03-01"},
	} {
		if en, fr := plain(c.value.In(English)), plain(c.value.In(French)); en != c.en || fr != c.fr {
			t.Errorf("%#v: %q and %q, want %q and %q", c.value, en, fr, c.en, c.fr)
		}
	}
}

// Both languages have a form for one; French takes it for none as well.
func TestPlural(t *testing.T) {
	for n, want := range map[int]string{0: "0_days|0_jour", 1: "1_day|1_jour", 2: "2_days|2_jours",
		1_000_000: "1,000,000_days|1_000_000_jours"} {
		m := New("days", Count("n", n))
		if got := plain(m.In(English) + "|" + m.In(French)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestJoin(t *testing.T) {
	day := New("days", Count("n", 1))
	m := Sentence(Verbatim("état"), When(false, day), Join("; ", day, Message{}, day), Verbatim(""))
	if got := plain(m.In(French)); got != "État, 1_jour_; 1_jour" {
		t.Errorf("%q", got)
	}
	if !m.Is("days") || m.Is("quoted") || m.Text().Code != "" || day.Text().Code != "days" {
		t.Errorf("%+v", m)
	}
	if (Message{}).In(French) != "" || !(Message{}).IsZero() || !Verbatim("").IsZero() {
		t.Error("the zero Message says something")
	}
}

// A code of a newer agent is shown, with its values.
func TestUnknownCode(t *testing.T) {
	if got := New("new-code", String("host", "a"), Count("n", 3)).English(); got != "new-code host=a n=3" {
		t.Errorf("%q", got)
	}
}

func TestErrors(t *testing.T) {
	address := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 9), Port: 23}
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: address, Err: os.NewSyscallError("connect", err)}
	}
	own := Wrap(dial(syscall.ECONNREFUSED), "within", String("where", "rpm-1"))
	for name, c := range map[string]struct {
		err      error
		fr, code string
		target   error
	}{
		"refused": {dial(syscall.ECONNREFUSED),
			"la machine à 10.0.0.9:23 répond, mais rien n’écoute sur ce port", "net.refused", syscall.ECONNREFUSED},
		"no route": {dial(syscall.EHOSTUNREACH),
			"aucun chemin vers 10.0.0.9:23_: alimentation, câble, adresse_?", "net.no-route", syscall.EHOSTUNREACH},
		"time-out": {&net.OpError{Op: "dial", Net: "tcp", Addr: address, Err: os.ErrDeadlineExceeded},
			"rien ne répond à 10.0.0.9:23_: alimentation, câble, adresse_?", "net.no-answer", os.ErrDeadlineExceeded},
		"name": {&net.OpError{Op: "dial", Err: &net.DNSError{Name: "rpm", IsNotFound: true}},
			"le nom rpm n’a pas d’adresse", "net.no-such-host", nil},
		"no file": {&fs.PathError{Op: "open", Path: "/a", Err: syscall.ENOENT},
			"/a n’existe pas", "file.missing", fs.ErrNotExist},
		"a folder": {&fs.PathError{Op: "read", Path: "/tmp", Err: syscall.EISDIR},
			"/tmp est un dossier, pas un fichier", "file.folder", nil},
		"in no folder": {&fs.PathError{Op: "mkdir", Path: "/a/b", Err: syscall.ENOTDIR},
			"/a/b n’est pas dans un dossier_: une partie du chemin est un fichier", "file.no-folder", nil},
		"a bare number": {fmt.Errorf("x: %w", syscall.ENOENT), "x_: il n’existe pas", "system.missing", fs.ErrNotExist},
		"no address": {&net.OpError{Op: "listen", Net: "tcp", Err: &net.AddrError{Err: "missing port in address", Addr: "bad"}},
			"«_bad_» n’est pas une adresse_: écrire HÔTE:PORT", "net.not-an-address", nil},
		"around": {fmt.Errorf("port 2: %w", dial(syscall.ECONNREFUSED)),
			"port 2_: la machine à 10.0.0.9:23 répond, mais rien n’écoute sur ce port", "net.refused", syscall.ECONNREFUSED},
		"own": {own,
			"rpm-1_: la machine à 10.0.0.9:23 répond, mais rien n’écoute sur ce port", "net.refused", syscall.ECONNREFUSED},
		"around own": {fmt.Errorf("lane: %w", own),
			"lane_: rpm-1_: la machine à 10.0.0.9:23 répond, mais rien n’écoute sur ce port", "within", syscall.ECONNREFUSED},
		"context": {context.DeadlineExceeded,
			"aucune réponse n’est arrivée à temps", "system.timeout", context.DeadlineExceeded},
		"request": {&url.Error{Op: "Get", URL: "http://10.0.0.9:23/x", Err: dial(syscall.ECONNREFUSED)},
			"http://10.0.0.9:23/x_: la machine à 10.0.0.9:23 répond, mais rien n’écoute sur ce port", "net.refused", nil},
		"foreign": {errors.New("bad CRC"), "«_bad CRC_»", "quoted", nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := Of(c.err)
			if got := plain(m.In(French)); got != c.fr || !m.Is(c.code) {
				t.Errorf("%s: %q, want %s: %q", m.Code, got, c.code, c.fr)
			}
			if c.target != nil && !errors.Is(c.err, c.target) {
				t.Errorf("%v is not %v", c.err, c.target)
			}
		})
	}
	if !Of(nil).IsZero() {
		t.Error("no error says something")
	}
}

func TestLanguages(t *testing.T) {
	env := func(vars map[string]string) Language { return OfEnvironment(func(n string) string { return vars[n] }) }
	if env(map[string]string{"LANG": "fr_CA.UTF-8"}) != French || env(map[string]string{"LANG": "de_DE"}) != English ||
		env(map[string]string{"LANG": "fr_FR", "LC_ALL": "C"}) != English || env(nil) != English {
		t.Error("environment")
	}
	for header, want := range map[string]Language{"fr-CH, fr;q=0.9, en;q=0.8": French, "en-GB,fr;q=0.5": English,
		"de": English, "de, fr;q=0.2": French, "": English, ";;;": English} {
		if got := OfHeader(header); got != want {
			t.Errorf("Accept-Language %q: %s, want %s", header, got, want)
		}
	}
	if _, err := ParseLanguage("de"); err == nil {
		t.Error("de is taken")
	}
}

// A file that is wrong is named.
func TestLoadRefuses(t *testing.T) {
	for name, c := range map[string]struct{ files, want string }{
		"no YAML":   {`a: "`, "a.en.yaml"},
		"twice":     {"days: x", "in another file"},
		"no French": {"a: x", "a.fr.yaml"},
	} {
		folder := fstest.MapFS{"a.en.yaml": {Data: []byte(c.files)}, "b.en.yaml": {Data: []byte("days: y")}, "b.fr.yaml": {Data: []byte("days: z")}}
		if err := Check(folder); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	m := New("net.refused", String("address", "10.0.0.9:23"))
	for b.Loop() {
		m.In(French)
	}
}

// An error that a message is made of without this package is said in each language, and what was wrapped around it
// before it; of one in another, the outer is said.
func TestOfCodedError(t *testing.T) {
	busy := New("serial.busy", String("port", "/dev/ttyS0"))
	for l, want := range map[Language]string{
		English: "rpm-1: /dev/ttyS0: another program has the line open",
		French:  New("within", String("where", "rpm-1"), Nested("cause", busy)).In(French),
	} {
		if got := Of(fmt.Errorf("rpm-1: %w", twin.New("serial.busy", twin.Value("port", "/dev/ttyS0")))).In(l); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	outer := twin.New("evidence.row", twin.Number("row", 5), twin.CausedBy(Errorf("days", Count("n", 2))))
	if got := plain(Of(outer).In(French)); got != "ligne 5_: 2_jours" {
		t.Errorf("%q", got)
	}
	measure := twin.Measure{Value: 2.5, Decimals: 3, Fixed: true, Unit: "ms"}
	if got := plain(Of(twin.New("evidence.row", twin.Number("row", 5), twin.Nested("cause", io.EOF))).In(English)) +
		plain(plainArg("drift", measure).Value.In(French)); got != "row 5: the other side closed the connection2,500_ms" {
		t.Errorf("%q", got)
	}
}
