package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"golang.org/x/sys/unix"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/lane"
	firmwareconfig "lanewarden/firmware-config"
)

// codes are the causes that were found.
func (p *examination) codes() string {
	var out []string
	for _, f := range p.findings {
		out = append(out, f.What.Code)
	}
	return strings.Join(out, " ")
}

// running is what an agent that is well says of one device.
func running(state string, faults uint64) *lane.Status {
	return &lane.Status{ID: "d", State: state, Faults: faults, Message: message.Verbatim("what the driver says").Text()}
}

func TestAgentThatDoesNotAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"no permission":   {&net.OpError{Op: "dial", Err: fs.ErrPermission}, "permission"},
		"nobody listens":  {&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, "agent-stopped"},
		"no socket":       {fmt.Errorf("dial: %w", fs.ErrNotExist), "agent-stopped"},
		"takes and waits": {os.ErrDeadlineExceeded, "agent-hangs"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &examination{Options: Options{Socket: "/run/x"}, agent: &agent{err: c.err}}
			p.checkAgent(t.Context())
			if p.codes() != c.want || p.findings[0].Subject[0] != agentSubject || p.findings[0].Seen.IsZero() {
				t.Errorf("found %+v, want %s", p.findings, c.want)
			}
		})
	}
}

func TestAgentWhoseJournalFails(t *testing.T) {
	for failures, want := range map[uint64]string{0: "", 3: "journal"} {
		p := &examination{status: &api.Status{}, agent: &agent{}}
		p.status.Journal.Failures = failures
		p.checkAgent(t.Context())
		if p.codes() != want {
			t.Errorf("%d failures: %q", failures, p.codes())
		}
	}
}

func TestLaneFile(t *testing.T) {
	for name, c := range map[string]struct {
		config string
		status *api.Status
		err    error
		want   string
		read   string // path that was read
	}{
		"none is named":         {},
		"right":                 {config: "a.yaml", read: "a.yaml"},
		"of the agent":          {status: &api.Status{Config: "b.yaml"}, read: "b.yaml"},
		"named before":          {config: "a.yaml", status: &api.Status{Config: "b.yaml"}, read: "a.yaml"},
		"wrong":                 {config: "a.yaml", err: errors.New("a.yaml:3:1: bad"), want: "config", read: "a.yaml"},
		"changed under it":      {status: &api.Status{Config: "b.yaml"}, err: errors.New("bad"), want: "config-changed", read: "b.yaml"},
		"may not be read":       {config: "a.yaml", err: fs.ErrPermission, want: "permission", read: "a.yaml"},
		"is not there":          {config: "a.yaml", err: fs.ErrNotExist, want: "config-missing", read: "a.yaml"},
		"gone, the agent knows": {status: &api.Status{Config: "b.yaml"}, err: fs.ErrNotExist, want: "config-changed", read: "b.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			var read string
			p := &examination{status: c.status, Options: Options{Config: c.config,
				Load: func(path string) (*firmwareconfig.Config, error) {
					read = path
					return &firmwareconfig.Config{}, c.err
				}}}
			p.checkConfig(t.Context())
			if p.codes() != c.want || read != c.read || (p.config != nil) != (read != "" && c.err == nil) {
				t.Errorf("found %q, want %q; read %q", p.codes(), c.want, read)
			}
		})
	}
}

// TestPortThatIsNotReached: what the network's errors mean, and which of them concern a whole host.
func TestPortThatIsNotReached(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want string
		host string
	}{
		"refused":        {syscall.ECONNREFUSED, "port-closed", ""},
		"no network":     {syscall.ENETUNREACH, "no-route", "192.0.2.1"},
		"no host":        {syscall.EHOSTUNREACH, "no-route", "192.0.2.1"},
		"no answer":      {os.ErrDeadlineExceeded, "no-answer", "192.0.2.1"},
		"something else": {syscall.EPROTO, "connect", "192.0.2.1"},
	} {
		t.Run(name, func(t *testing.T) {
			f := unreached("192.0.2.1", "1601", &net.OpError{Op: "dial", Err: c.err})
			if f.What.Code != c.want || f.host != c.host {
				t.Errorf("%s of %q", f.What.Code, f.host)
			}
		})
	}
}

func TestReach(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	open := l.Addr().String()
	conn, f := reach(t.Context(), open)
	if f != nil {
		t.Fatalf("an open port: %v", f.What)
	}
	conn.Close()
	l.Close()
	for where, want := range map[string]string{open: "port-closed", "no port": "address", "lane.invalid:1": "dns"} {
		if _, f := reach(t.Context(), where); f == nil || f.What.Code != want || f.Seen.IsZero() {
			t.Errorf("%s: %+v, want %s", where, f, want)
		}
	}
}

// TestWhatADeviceSays: what is found from bytes, by whether the agent understands them.
func TestWhatADeviceSays(t *testing.T) {
	text := []byte(strings.Repeat("GB,000251,000248,000260,000255\r\n", 8))
	mark := with(string(text), func(b byte) byte { return b | 0x80 })
	noise := with(string(text), func(b byte) byte { return b*37 | 0x80 })
	for name, c := range map[string]struct {
		heard  []byte
		status *lane.Status
		want   string
	}{
		"silent":                        {nil, running("silent", 0), "silent"},
		"silent, the agent is stopped":  {nil, nil, ""},
		"a web server":                  {[]byte("HTTP/1.1 400 Bad Request\r\n"), running("down", 0), "wrong-device"},
		"a web server, agent stopped":   {[]byte("HTTP/1.1 400 Bad Request\r\n"), nil, "wrong-device"},
		"understood":                    {text, running("down", 0), ""},
		"text, not understood":          {text, running("down", 7), "format"},
		"parity":                        {mark, running("down", 7), "parity"},
		"another speed":                 {noise, running("down", 7), "baud"},
		"another speed, agent stopped":  {noise, nil, ""},
		"old noise before the last 4 K": {append(slices.Repeat(noise, 20), slices.Repeat(text, 20)...), running("down", 7), "format"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &examination{}
			one := deviceCheck{examination: p, device: firmwareconfig.Device{ID: "d", Driver: "tsa"}, status: c.status}
			one.evaluate(firmwareconfig.Endpoint{Where: "192.0.2.1:1601"}, c.heard)
			if p.codes() != c.want || one.found != (c.want != "") {
				t.Errorf("found %q, want %q", p.codes(), c.want)
			}
			if c.want != "" && (p.findings[0].Subject[0] != "d" || p.findings[0].Seen.IsZero()) {
				t.Errorf("%+v", p.findings[0])
			}
		})
	}
}

func TestPortOnWhichADeviceCalls(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().String()
	for name, c := range map[string]struct {
		where  string
		agent  *api.Status
		status *lane.Status
		want   string
	}{
		"free":                        {"127.0.0.1:0", &api.Status{}, running("connecting", 0), ""},
		"free, but the driver failed": {"127.0.0.1:0", &api.Status{}, running("down", 0), "not-listening"},
		"taken, the agent stopped":    {taken, nil, nil, "port-taken"},
		"taken, the driver failed":    {taken, &api.Status{}, running("down", 0), "port-taken"},
		"not an address of ours":      {"192.0.2.1:1", &api.Status{}, running("down", 0), "no-such-address"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &examination{status: c.agent}
			one := deviceCheck{examination: p, device: firmwareconfig.Device{ID: "d"}, status: c.status}
			one.listen(firmwareconfig.Endpoint{Where: c.where})
			if p.codes() != c.want {
				t.Errorf("found %q, want %q", p.codes(), c.want)
			}
		})
	}
}

func TestDropFolder(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad")
	if err := os.MkdirAll(bad, 0o755); err != nil {
		t.Fatal(err)
	}
	find := func(where string, agent *api.Status) *examination {
		p := &examination{status: agent}
		one := deviceCheck{examination: p, device: firmwareconfig.Device{ID: "d"}}
		one.folder(firmwareconfig.Endpoint{Where: where})
		return p
	}
	if p := find(dir, nil); p.codes() != "" {
		t.Errorf("a folder that is well: %s", p.codes())
	}
	if p := find(filepath.Join(dir, "absent"), &api.Status{}); p.codes() != "folder" {
		t.Errorf("no folder: %q", p.codes())
	}
	if p := find(filepath.Join(dir, "absent"), nil); p.codes() != "" {
		t.Errorf("no folder, and no agent yet that would make it: %q", p.codes())
	}
	reason := filepath.Join(bad, "x.n42.reason")
	if err := os.WriteFile(reason, []byte("line 3: no counts\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p := find(dir, nil)
	if p.codes() != "bad-files" || !strings.Contains(p.findings[0].Seen.English(), "x.n42") ||
		!strings.HasSuffix(p.findings[0].Seen.English(), "line 3: no counts") {
		t.Errorf("a bad file: %q, %q", p.codes(), p.findings)
	}
	old := time.Now().Add(-recent - time.Minute)
	if err := os.Chtimes(reason, old, old); err != nil {
		t.Fatal(err)
	}
	if p := find(dir, nil); p.codes() != "" {
		t.Errorf("a bad file of two days ago: %s", p.codes())
	}
}

func TestSpace(t *testing.T) {
	const mega = 1 << 20
	for name, c := range map[string]struct {
		free, total, files, filesFree uint64 // MB; inodes
		want                          string
	}{
		"room":             {500, 1000, 100, 50, ""},
		"just enough":      {50, 1000, 100, 50, ""},
		"short":            {49, 1000, 100, 50, "disk-short"},
		"small, with room": {32, 64, 100, 50, ""},
		"full":             {31, 64, 100, 50, "disk-full"},
		"no inodes":        {500, 1000, 100, 0, "disk-inodes"},
		"counts no inodes": {500, 1000, 0, 0, ""},
		"full and short":   {1, 1000, 100, 0, "disk-full"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &examination{}
			p.checkSpace("/x", "agent", unix.Statfs_t{Bsize: mega, Bavail: c.free, Blocks: c.total, Files: c.files, Ffree: c.filesFree})
			if p.codes() != c.want {
				t.Errorf("found %q, want %q", p.codes(), c.want)
			}
		})
	}
}

func TestClockIsOff(t *testing.T) {
	for ahead, want := range map[time.Duration]string{3 * time.Second: "ahead", -3 * time.Second: "behind"} {
		if text := clockOff(ahead).English(); !strings.Contains(text, want) {
			t.Errorf("%s: %s", ahead, text)
		}
	}
}

// TestClockWithoutServers: the kernel's word counts when no server answers.
func TestClockWithoutServers(t *testing.T) {
	for name, c := range map[string]struct {
		status *api.Status
		want   string
	}{
		"no agent":         {nil, ""},
		"synchronised":     {&api.Status{Clock: lane.ClockState{Synchronised: true}}, ""},
		"not synchronised": {&api.Status{}, "clock-unsynchronised"},
	} {
		p := &examination{status: c.status, Options: Options{TimeServers: []string{}}}
		p.checkClock(t.Context())
		if p.codes() != c.want {
			t.Errorf("%s: found %q", name, p.codes())
		}
	}
}

func TestTimeServers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "conf")
	text := "# server old\nserver ntp1.example iburst\npool ntp2.example\npeer\n[Time]\nNTP=ntp3.example ntp4.example\nFallbackNTP=ntp5.example\nmakestep 1 3\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(timeServers(path), " "); got != "ntp1.example ntp2.example ntp3.example ntp4.example ntp5.example" {
		t.Error(got)
	}
	if got := timeServers(path + ".absent"); got != nil {
		t.Error(got)
	}
}

// TestBrokerRefuses: why the centre's broker does not take the agent.
func TestBrokerRefuses(t *testing.T) {
	acked := &api.Status{}
	acked.Link.LastAck = time.Unix(1e9, 0)
	for name, c := range map[string]struct {
		err    error
		status *api.Status
		want   string
	}{
		"password file":        {&fs.PathError{Op: "open", Path: "/p", Err: fs.ErrNotExist}, nil, "credentials-file"},
		"password":             {fmt.Errorf("connect: %w", packets.ErrorRefusedBadUsernameOrPassword), nil, "credentials"},
		"not allowed":          {packets.ErrorRefusedNotAuthorised, nil, "credentials"},
		"silent, spoke before": {os.ErrDeadlineExceeded, acked, "broker-silent"},
		"silent, never spoke":  {os.ErrDeadlineExceeded, &api.Status{}, "broker"},
		"silent, no agent":     {os.ErrDeadlineExceeded, nil, "broker"},
		"anything else":        {errors.New("x"), acked, "broker"},
	} {
		p := &examination{status: c.status}
		if f := p.refused(c.err); f.What.Code != c.want || f.Seen.IsZero() {
			t.Errorf("%s: %+v, want %s", name, f, c.want)
		}
	}
}

func TestWayToTheCentre(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	link := func(l api.Link) *api.Status { return &api.Status{Link: l} }
	for name, c := range map[string]struct {
		broker  string
		status  *api.Status
		connect error
		want    string
	}{
		"none":                  {"", nil, nil, ""},
		"works":                 {"mqtt://" + closed.Addr().String(), link(api.Link{Ready: true}), nil, ""},
		"the hub refuses":       {"mqtt://" + closed.Addr().String(), link(api.Link{Refused: true}), nil, "hub-refuses"},
		"no broker":             {"mqtt://" + closed.Addr().String(), nil, nil, "broker-closed"},
		"the broker refuses":    {"mqtt://" + l.Addr().String(), nil, packets.ErrorRefusedNotAuthorised, "credentials"},
		"well, no agent to ask": {"mqtt://" + l.Addr().String(), nil, nil, ""},
		"the hub is silent":     {"mqtt://" + l.Addr().String(), link(api.Link{}), nil, "hub-silent"},
		"speaks no TLS":         {"mqtts://" + closed.Addr().String(), link(api.Link{Ready: true}), nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			config := &firmwareconfig.Config{Uplink: &firmwareconfig.Uplink{Broker: c.broker}}
			if c.broker == "" {
				config.Uplink = nil
			}
			p := &examination{config: config, status: c.status, Options: Options{
				Connect: func(context.Context, *firmwareconfig.Uplink) error { return c.connect },
				TLS:     func(*firmwareconfig.Uplink) (*tls.Config, error) { return &tls.Config{}, nil },
			}}
			p.checkUplink(t.Context())
			if p.codes() != c.want {
				t.Errorf("found %q, want %q", p.codes(), c.want)
			}
		})
	}
}

func TestTLSProblems(t *testing.T) {
	cert := &x509.Certificate{DNSNames: []string{"hub.example"}, NotAfter: time.Unix(1e9, 0)}
	for want, err := range map[string]error{
		"certificate-expired": x509.CertificateInvalidError{Cert: cert, Reason: x509.Expired},
		"certificate-unknown": fmt.Errorf("tls: %w", x509.UnknownAuthorityError{}),
		"certificate-name":    x509.HostnameError{Certificate: cert, Host: "other.example"},
		"not-tls":             tls.RecordHeaderError{Msg: "x"},
		"tls":                 x509.CertificateInvalidError{Cert: cert, Reason: x509.NotAuthorizedToSign},
	} {
		if got := tlsProblem("other.example", err).Code; got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
}

func TestCertificatesThatEnd(t *testing.T) {
	in := func(d time.Duration) *x509.Certificate { return &x509.Certificate{NotAfter: time.Now().Add(d)} }
	for name, c := range map[string]struct {
		theirs, ours *x509.Certificate
		want         int
	}{
		"long":   {in(soon + time.Hour), in(soon + time.Hour), 0},
		"theirs": {in(soon - time.Hour), in(soon + time.Hour), 1},
		"ours":   {in(soon + time.Hour), in(soon - time.Hour), 1},
		"both":   {in(time.Hour), in(-time.Hour), 2},
	} {
		p := &examination{}
		p.checkExpiry([]*x509.Certificate{c.theirs}, []tls.Certificate{{Leaf: c.ours}, {}})
		if len(p.findings) != c.want {
			t.Errorf("%s: %d findings", name, len(p.findings))
		}
	}
}

func TestStatesOfDevices(t *testing.T) {
	for state, want := range map[string]string{"silent": "device-silent", "connecting": "device-connecting", "stopped": "device-stopped", "down": "device-down", "?": "device-down"} {
		if got := notRunning(state, "d").Code; got != want {
			t.Errorf("%s: %s", state, got)
		}
	}
}

// TestDeviceThatIsNotInForce: the lane file has it, the agent does not.
func TestDeviceThatIsNotInForce(t *testing.T) {
	p := &examination{status: &api.Status{}, config: &firmwareconfig.Config{Devices: []firmwareconfig.Device{{ID: "d"}}}}
	if p.checkDevices(t.Context()); p.codes() != "not-in-force" {
		t.Errorf("found %q", p.codes())
	}
	p = &examination{status: &api.Status{Devices: []lane.Status{*running("down", 0)}}, config: p.config}
	if p.checkDevices(t.Context()); p.codes() != "device-down" || p.findings[0].Seen.English() != "what the driver says" {
		t.Errorf("found %q", p.codes())
	}
}

func TestDifferences(t *testing.T) {
	setup := func(pairs ...string) *observation.RadiationSetup {
		s := &observation.RadiationSetup{}
		for i := 0; i < len(pairs); i += 2 {
			s.Settings = append(s.Settings, &observation.Setting{Name: pairs[i], Value: pairs[i+1]})
		}
		return s
	}
	for name, c := range map[string]struct {
		before, now *observation.RadiationSetup
		want        []string
		firmware    bool
	}{
		"the same": {setup("a", "1"), setup("a", "1"), nil, false},
		"changed":  {setup("a", "1", "b", "2"), setup("a", "3", "b", "2"), []string{"a", "1", "3"}, false},
		"firmware": {setup("firmware", "1.0"), setup("firmware", "1.1"), []string{"firmware", "1.0", "1.1"}, true},
		"new":      {setup(), setup("a", "1"), nil, false},
	} {
		changes, firmware := differences(c.before, c.now)
		if firmware != c.firmware || changes.IsZero() != (c.want == nil) {
			t.Errorf("%s: %v %v", name, changes, firmware)
		}
		for _, w := range c.want {
			if !strings.Contains(changes.English(), w) {
				t.Errorf("%s: %q does not name %s", name, changes.English(), w)
			}
		}
	}
}

// TestMerge: devices behind one broken host are one finding; other findings stay apart.
func TestMerge(t *testing.T) {
	gone := func(device, host string) Finding {
		return Finding{Subject: []string{device}, host: host, What: message.New("no-route", message.String("host", host))}
	}
	out := merge([]Finding{gone("a", "192.0.2.1"), gone("b", "192.0.2.2"), gone("c", "192.0.2.1"), gone("d", ""), gone("e", "")})
	var got []string
	for _, f := range out {
		got = append(got, strings.Join(f.Subject, "+"))
	}
	if s := strings.Join(got, " "); s != "a+c b d e" {
		t.Error(s)
	}
}

// TestConfigInFrench: what is wrong with the lane file is said in the reader's language.
func TestConfigInFrench(t *testing.T) {
	problems := firmwareconfig.Problems{{File: "a.yaml", Line: 3, Column: 1, Message: message.New("config.documents")}}
	p := &examination{Options: Options{Config: "a.yaml",
		Load: func(string) (*firmwareconfig.Config, error) { return nil, problems }}}
	p.checkConfig(t.Context())
	const want = "a.yaml:3:1: le fichier est vide, ou contient plus d’un document"
	if len(p.findings) != 1 || p.findings[0].Seen.In(message.French) != want {
		t.Errorf("%+v", p.findings)
	}
}
