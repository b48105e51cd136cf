package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"math/bits"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/sys/unix"

	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/driver/drivertest/peer"
	"lanewarden/edge/api"
	"lanewarden/edge/diag/doctor"
)

// patient is a small lane with something wrong.
type patient struct {
	t       *testing.T
	dir     string
	devices []string            // YAML
	uplink  string              // YAML; "" for none
	args    []string            // of lanectl doctor
	as      *syscall.Credential // whom lanectl runs as
	agentAs *syscall.Credential
	net     uintptr // syscall.CLONE_NEWNET: agent and lanectl each in a machine without network
	agent   *exec.Cmd
}

func (p *patient) path(name string) string { return filepath.Join(p.dir, name) }
func (p *patient) device(id, driver string, settings string, args ...any) {
	p.devices = append(p.devices, fmt.Sprintf("  - {id: %s, driver: %s, lane: l, settings: {%s}}", id, driver, fmt.Sprintf(settings, args...)))
}

func (p *patient) write(extra string) {
	text := fmt.Sprintf("site: {id: s}\nagent: {id: a, state_dir: %s}\nlanes: [{id: l}]\ndevices:\n%s\n%s\nconsole: {socket: %s}\n", p.path("state"), strings.Join(p.devices, "\n"), extra, p.path("s"))
	if len(p.devices) == 0 {
		text = strings.Replace(text, "devices:\n", "", 1)
	}
	if p.uplink != "" {
		text += "uplink: {" + p.uplink + "}\n"
	}
	if err := os.WriteFile(p.path("lane.yaml"), []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// start runs the agent until the test ends.
func (p *patient) start() {
	log, err := os.Create(p.path("laned.log"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.agent = exec.Command(filepath.Join(bin, "laned"), "run", p.path("lane.yaml"))
	p.agent.Stdout, p.agent.Stderr, p.agent.Dir = log, log, p.dir
	p.agent.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Credential: p.agentAs, Cloneflags: p.net}
	if err := p.agent.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { p.kill(); log.Close() })
}

func (p *patient) kill() {
	if p.agent != nil {
		p.agent.Process.Signal(syscall.SIGCONT)
		p.agent.Process.Kill()
		p.agent.Wait()
		p.agent = nil
	}
}

// wait waits until the agent says something.
func (p *patient) wait(what string, ok func(api.Status) bool) {
	client := api.NewClient(p.path("s"), 2*time.Second)
	for begin := time.Now(); ; <-time.After(50 * time.Millisecond) {
		s, err := api.GetStatus.Ask(p.t.Context(), client, api.None{})
		if err == nil && ok(s) {
			return
		}
		if time.Since(begin) > 60*time.Second {
			text, _ := json.Marshal(s)
			p.t.Fatalf("waited for %s: %s\n%s", what, text, tail(p.path("laned.log")))
		}
	}
}

func state(id string, want ...string) func(api.Status) bool {
	return func(s api.Status) bool {
		for _, d := range s.Devices {
			for _, w := range want {
				if d.ID == id && d.State == w {
					return true
				}
			}
		}
		return false
	}
}

func linkDown(s api.Status) bool {
	return !s.Link.Ready && s.Link.Problem != "" && time.Since(s.Started) > time.Second
}

// certificates makes a CA and a server certificate, and returns their files.
func (p *patient) certificates(name string, from, to time.Time) (ca, cert, key string) {
	caKey, caCert, caDER := authority(p.t)
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: from, NotAfter: to, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, caCert, &k.PublicKey, caKey)
	if err != nil {
		p.t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		p.t.Fatal(err)
	}
	ca, cert, key = p.path("ca.pem"), p.path("hub.pem"), p.path("hub.key")
	for path, block := range map[string]*pem.Block{ca: {Type: "CERTIFICATE", Bytes: caDER}, cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "EC PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
	return ca, cert, key
}

func authority(t *testing.T) (*ecdsa.PrivateKey, *x509.Certificate, []byte) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-1000 * time.Hour), NotAfter: time.Now().Add(1000 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	return k, c, der
}

// hub runs a hub, and returns its broker's address.
func (p *patient) hub(args ...string) string {
	mqtt := freeAddress(p.t)
	p.run("lanehub", append([]string{"run", "--dir", p.path("hub"), "--http", freeAddress(p.t), "--mqtt", mqtt}, args...)...)
	p.listens(mqtt)
	return mqtt
}

func (p *patient) run(name string, args ...string) *exec.Cmd {
	path := filepath.Join(bin, name)
	if _, err := os.Stat(path); err != nil {
		path = name
	}
	log, err := os.Create(p.path(name + ".log"))
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait(); log.Close() })
	return cmd
}

func (p *patient) listens(address string) {
	for begin := time.Now(); time.Since(begin) < 30*time.Second; <-time.After(50 * time.Millisecond) {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return
		}
	}
	p.t.Fatalf("nobody listens on %s", address)
}

// server listens, and serves each client.
func (p *patient) server(serve func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.t.Cleanup(func() { c.Close() })
			go serve(c)
		}
	}()
	return l.Addr().String()
}

// deaf is an address at which connections are neither taken nor refused: its queue is full.
func (p *patient) deaf() string {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { unix.Close(fd) })
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(fd, 0)); err != nil {
		p.t.Fatal(err)
	}
	at, err := unix.Getsockname(fd)
	if err != nil {
		p.t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", at.(*unix.SockaddrInet4).Port)
	for range 20 {
		c, err := net.DialTimeout("tcp", address, 300*time.Millisecond)
		if err != nil {
			return address
		}
		p.t.Cleanup(func() { c.Close() })
	}
	p.t.Skip("this machine takes every connection")
	return ""
}

// say repeats a text.
func say(text []byte) func(net.Conn) {
	return func(c net.Conn) {
		for {
			if _, err := c.Write(text); err != nil {
				return
			}
			<-time.After(200 * time.Millisecond)
		}
	}
}

// line writes text on a pseudo-terminal, changed as a wrongly set receiver hears it.
func (p *patient) line(hear func([]byte) []byte) (port string) {
	device, port := drivertest.Terminal(p.t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ctx.Err() == nil; i++ {
			device.Write(hear(fmt.Appendf(nil, "GB,000%03d,000251,000248,000260\r\n", 200+i%50)))
			<-time.After(100 * time.Millisecond)
		}
	}()
	p.t.Cleanup(func() { cancel(); <-done; device.Close() })
	return port
}

// evenParity is 7 data bits with even parity, heard as 8 data bits.
func evenParity(in []byte) (out []byte) {
	for _, b := range in {
		out = append(out, b|byte(bits.OnesCount8(b)%2)<<7)
	}
	return out
}

// twiceTheSpeed is a line at half the speed of its receiver (8 data bits, no parity): levels are sampled twice a bit.
func twiceTheSpeed(in []byte) (out []byte) {
	var levels []byte
	for _, b := range in {
		word := uint16(b)<<1 | 1<<9 // start, data, stop
		for i := range 10 {
			levels = append(levels, byte(word>>i)&1, byte(word>>i)&1)
		}
	}
	for i := 0; i+10 <= len(levels); {
		if levels[i] == 1 { // idle
			i++
			continue
		}
		var b byte
		for k := range 8 {
			b |= levels[i+1+k] << k
		}
		out = append(out, b)
		i += 10
	}
	return out
}

// timeServer is an SNTP server whose clock is a day ahead of ours: by it, ours is a day behind.
func (p *patient) timeServer(ahead time.Duration) string {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { c.Close() })
	go func() {
		buf := make([]byte, 512)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			if n < 48 {
				continue
			}
			now := time.Now().Add(ahead)
			const epoch = 2208988800 // from 1900 to 1970, s
			stamp := uint64(now.Unix()+epoch)<<32 | uint64(now.Nanosecond())<<32/1e9
			answer := make([]byte, 48)
			answer[0], answer[1], answer[2], answer[3] = 0x24, 1, 6, 0xec // version 4, server; stratum 1
			copy(answer[12:], "GPS\x00")
			binary.BigEndian.PutUint64(answer[16:], stamp)
			copy(answer[24:32], buf[40:48])
			binary.BigEndian.PutUint64(answer[32:], stamp)
			binary.BigEndian.PutUint64(answer[40:], stamp)
			c.WriteTo(answer, from)
		}
	}()
	return c.LocalAddr().String()
}

const nobody = 65534

// TestDoctor injects faults, one at a time and for real, and wants each named first.
func TestDoctor(t *testing.T) {
	if err := os.Chmod(bin, 0o755); err != nil { // for nobody
		t.Fatal(err)
	}
	running := func(p *patient) { p.wait("the agent", func(api.Status) bool { return true }) }
	scaleAt := func(p *patient, address string) { p.device("scale-1", "scale", "address: %q", address) }
	faults := map[string]struct {
		cause string // that must be first
		set   func(p *patient)
	}{
		"agent killed": {"agent-stopped", func(p *patient) {
			p.write("")
			p.start()
			running(p)
			p.kill()
		}},
		"agent stands still": {"agent-hangs", func(p *patient) {
			p.write("")
			p.start()
			running(p)
			p.agent.Process.Signal(syscall.SIGSTOP)
		}},
		"a typing error in the lane file": {"config", func(p *patient) {
			p.write("devies: []")
		}},
		"state directory of another user": {"state-permission", func(p *patient) {
			p.write("")
			if os.Mkdir(p.path("state"), 0o755) != nil || os.Getuid() != 0 {
				p.t.Skip("only root can give files away")
			}
			p.agentAs = &syscall.Credential{Uid: nobody, Gid: nobody}
			p.start()
			p.agent.Wait()
			p.args = append(p.args, "--user", "nobody")
		}},
		"socket of another user": {"permission", func(p *patient) {
			if os.Getuid() != 0 {
				p.t.Skip("only root can become somebody else")
			}
			p.write("")
			p.start()
			running(p)
			p.as = &syscall.Credential{Uid: nobody, Gid: nobody}
		}},
		"disk full": {"disk-full", func(p *patient) {
			p.write("")
			if err := os.Mkdir(p.path("state"), 0o755); err != nil {
				p.t.Fatal(err)
			}
			if err := unix.Mount("tmpfs", p.path("state"), "tmpfs", 0, "size=48m"); err != nil {
				p.t.Skipf("no small disk here: %v", err)
			}
			p.t.Cleanup(func() { p.kill(); unix.Unmount(p.path("state"), unix.MNT_DETACH) })
			p.start()
			running(p)
			full := bytes.Repeat([]byte("x"), 1<<20)
			f, err := os.Create(p.path("state/old-recording"))
			for err == nil {
				_, err = f.Write(full)
			}
			f.Close()
		}},
		"clock a day off": {"clock-off", func(p *patient) {
			p.write("")
			p.start()
			running(p)
			p.args = append(p.args, "--time-server", p.timeServer(24*time.Hour))
		}},
		"a name that nobody knows": {"dns", func(p *patient) {
			scaleAt(p, "scale.lane.invalid:1702")
			p.write("")
			p.start()
			p.wait("down", state("scale-1", "down"))
		}},
		"device off and its machine on": {"port-closed", func(p *patient) {
			scaleAt(p, freeAddress(p.t))
			p.write("")
			p.start()
			p.wait("down", state("scale-1", "down"))
		}},
		"our own cable out": {"no-route", func(p *patient) {
			if os.Getuid() != 0 {
				p.t.Skip("only root can take a program's network away")
			}
			p.net = syscall.CLONE_NEWNET
			scaleAt(p, "192.0.2.7:1702")
			p.write("")
			p.start()
			p.wait("down", state("scale-1", "down"))
		}},
		"a firewall swallows the port": {"no-answer", func(p *patient) {
			scaleAt(p, p.deaf())
			p.write("")
			p.start()
			running(p)
			<-time.After(2 * time.Second)
		}},
		"device says nothing": {"silent", func(p *patient) {
			scaleAt(p, p.server(func(net.Conn) {}))
			p.write("")
			p.start()
			p.wait("silent", state("scale-1", "silent"))
		}},
		"two cables exchanged": {"wrong-device", func(p *patient) {
			p.device("rpm-1", "tsa", "address: %q, silent_after: 2s", p.server(say([]byte("SSH-2.0-OpenSSH_9.2p1\r\n"))))
			p.write("")
			p.start()
			p.wait("silent", state("rpm-1", "silent"))
			<-time.After(3 * time.Second)
		}},
		"another board in the portal": {"firmware-changed", func(p *patient) {
			p.device("rpm-1", "tsa", "address: %q, silent_after: 1m", p.server(func(conn net.Conn) {
				conn.Write([]byte("SG3,0.068,5.000,20,7,A1.4\r\n"))
				<-time.After(time.Second)
				conn.Write([]byte("SG3,0.068,5.000,30,7,A2.0\r\n"))
			}))
			p.write("")
			p.start()
			p.wait("running", state("rpm-1", "running"))
			<-time.After(2 * time.Second)
		}},
		"wrong parity": {"parity", func(p *patient) {
			p.device("rpm-1", "tsa", "serial: {port: %q}, silent_after: 2s", p.line(evenParity))
			p.write("")
			p.start()
			p.wait("silent", state("rpm-1", "silent"))
			<-time.After(3 * time.Second)
		}},
		"wrong speed": {"baud", func(p *patient) {
			p.device("rpm-1", "tsa", "serial: {port: %q}, silent_after: 2s", p.line(twiceTheSpeed))
			p.write("")
			p.start()
			p.wait("silent", state("rpm-1", "silent"))
			<-time.After(3 * time.Second)
		}},
		"adapter pulled out": {"serial-missing", func(p *patient) {
			p.device("rpm-1", "tsa", `serial: {port: "/dev/ttyUSB7"}`)
			p.write("")
			p.start()
			p.wait("down", state("rpm-1", "down"))
		}},
		"another output format": {"format", func(p *patient) {
			p.device("rpm-1", "tsa", "address: %q, silent_after: 2s", p.server(say([]byte("CPS 0251 0248 0260 OK\r\n"))))
			p.write("")
			p.start()
			p.wait("silent", state("rpm-1", "silent"))
			<-time.After(3 * time.Second)
		}},
		"port taken": {"port-taken", func(p *patient) {
			taken := p.server(func(net.Conn) {})
			p.device("lpr-1", "plate", "http: {listen: %q}", taken)
			p.write("")
			p.start()
			p.wait("down", state("lpr-1", "down"))
		}},
		"broker stopped": {"broker-closed", func(p *patient) {
			p.uplink = fmt.Sprintf("broker: %q", "mqtt://"+freeAddress(p.t))
			p.write("")
			p.start()
			p.wait("no link", linkDown)
		}},
		"hub that stands still": {"broker-silent", func(p *patient) {
			address := freeAddress(p.t)
			hub := p.run("lanehub", "run", "--dir", p.path("hub"), "--http", freeAddress(p.t), "--mqtt", address)
			p.listens(address)
			p.uplink = fmt.Sprintf("broker: %q", "mqtt://"+address)
			p.write("")
			p.start()
			p.wait("the hub's answer", func(s api.Status) bool { return !s.Link.LastAck.IsZero() })
			if err := hub.Process.Signal(syscall.SIGSTOP); err != nil {
				p.t.Fatal(err)
			}
			p.wait("no link", func(s api.Status) bool { return !s.Link.Ready })
		}},
		// The agent runs in another folder than doctor: its file "password" is there, and not here.
		"broker stopped and a relative path": {"broker-closed", func(p *patient) {
			if err := os.WriteFile(p.path("password"), []byte("x"), 0o644); err != nil {
				p.t.Fatal(err)
			}
			p.uplink = fmt.Sprintf("broker: %q, username: a, password_file: password", "mqtt://"+freeAddress(p.t))
			p.write("")
			p.start()
			p.wait("no link", linkDown)
		}},
		"hub stopped behind a broker": {"hub-silent", func(p *patient) {
			peer.Need(p.t, peer.Mosquitto)
			address := freeAddress(p.t)
			_, port, _ := net.SplitHostPort(address)
			peer.Start(p.t.Context(), p.t, exec.Command(peer.MosquittoPath(), "-p", port))
			p.listens(address)
			p.uplink = fmt.Sprintf("broker: %q", "mqtt://"+address)
			p.write("")
			p.start()
			p.wait("no hub", func(s api.Status) bool { return s.Link.Connected })
		}},
		"certificate expired": {"certificate-expired", func(p *patient) {
			ca, cert, key := p.certificates("localhost", time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour))
			p.tls(p.hub("--mqtt-cert", cert, "--mqtt-key", key), "localhost", ca)
		}},
		"certificate of another CA": {"certificate-unknown", func(p *patient) {
			ca, cert, key := p.certificates("localhost", time.Now().Add(-48*time.Hour), time.Now().Add(48*time.Hour))
			_, _, other := authority(p.t)
			if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: other}), 0o600); err != nil {
				p.t.Fatal(err)
			}
			p.tls(p.hub("--mqtt-cert", cert, "--mqtt-key", key), "localhost", ca)
		}},
		"certificate of another name": {"certificate-name", func(p *patient) {
			ca, cert, key := p.certificates("hub.example", time.Now().Add(-48*time.Hour), time.Now().Add(48*time.Hour))
			p.tls(p.hub("--mqtt-cert", cert, "--mqtt-key", key), "localhost", ca)
		}},
		"own certificate expired": {"certificate-own-expired", func(p *patient) {
			_, cert, key := p.certificates("s/a", time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour))
			for from, to := range map[string]string{cert: "own.pem", key: "own.key"} {
				if err := os.Rename(from, p.path(to)); err != nil {
					p.t.Fatal(err)
				}
			}
			ca, cert, key := p.certificates("localhost", time.Now().Add(-48*time.Hour), time.Now().Add(48*time.Hour))
			_, port, _ := net.SplitHostPort(p.hub("--mqtt-cert", cert, "--mqtt-key", key, "--mqtt-client-ca", ca))
			p.uplink = fmt.Sprintf("broker: %q, ca_file: %q, cert_file: %q, key_file: %q", "mqtts://localhost:"+port, ca,
				p.path("own.pem"), p.path("own.key"))
			p.write("")
			p.start()
			p.wait("no link", linkDown)
		}},
		"password changed": {"credentials", func(p *patient) {
			hash, err := bcrypt.GenerateFromPassword([]byte("new"), bcrypt.MinCost)
			if err == nil {
				err = os.WriteFile(p.path("agents"), append([]byte("s/a:"), append(hash, '\n')...), 0o600)
			}
			if err == nil {
				err = os.WriteFile(p.path("password"), []byte("old"), 0o600)
			}
			if err != nil {
				p.t.Fatal(err)
			}
			p.uplink = fmt.Sprintf("broker: %q, username: s/a, password_file: %q", "mqtt://"+p.hub("--agents", p.path("agents")), p.path("password"))
			p.write("")
			p.start()
			p.wait("no link", linkDown)
		}},
		"a web server at the broker's port": {"broker", func(p *patient) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				p.t.Fatal(err)
			}
			srv := &http.Server{}
			go srv.Serve(l)
			p.t.Cleanup(func() { srv.Close() })
			p.uplink = fmt.Sprintf("broker: %q", "mqtt://"+l.Addr().String())
			p.write("")
			p.start()
			p.wait("no link", linkDown)
		}},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &patient{t: t, dir: t.TempDir()}
			for _, dir := range []string{p.dir, filepath.Dir(p.dir)} { // for nobody
				if err := os.Chmod(dir, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			fault.set(p)
			begin := time.Now()
			args := append([]string{"doctor", "--json", "--config", p.path("lane.yaml"), "--socket", p.path("s")}, p.args...)
			cmd := exec.Command(filepath.Join(bin, "lanectl"), args...)
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.as, Cloneflags: p.net}
			out, _ := cmd.Output()
			took := time.Since(begin)
			var findings []doctor.Shown
			if err := json.Unmarshal(out, &findings); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if len(findings) == 0 || findings[0].Cause != fault.cause {
				t.Fatalf("want %s first, got %s", fault.cause, out)
			}
			t.Logf("%.1f s: %s: %s", took.Seconds(), findings[0].Subject, findings[0].Text)
		})
	}
}

// tls runs the agent with a broker that speaks TLS.
func (p *patient) tls(address, name, ca string) {
	_, port, _ := net.SplitHostPort(address)
	p.uplink = fmt.Sprintf("broker: %q, ca_file: %q", "mqtts://"+name+":"+port, ca)
	p.write("")
	p.start()
	p.wait("no link", linkDown)
}
