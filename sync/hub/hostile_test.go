package hub

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"golang.org/x/sys/unix"

	"lanewarden/drivers/observation"
	"lanewarden/sync/wire"
)

const hostileAgents = "demo/lane-1:certificate\ndemo/lane-2:certificate\n"

// rawTLS returns a TLS connection to the broker with a certificate of demo/lane-2, on which anything can be sent.
func (i *issuing) rawTLS(t testing.TB, b wire.Broker) net.Conn {
	t.Helper()
	config, err := b.TLS()
	if err != nil {
		t.Fatal(err)
	}
	c, err := tls.Dial("tcp", i.MQTT, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// closed reports that the broker ended a connection, whatever it said before.
func closed(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the broker keeps the connection")
	}
}

// connectPacket is what a client of MQTT says first.
func connectPacket() *packets.ConnectPacket {
	p := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	p.ProtocolName, p.ProtocolVersion, p.CleanSession, p.ClientIdentifier, p.Keepalive = "MQTT", 4, true, "hostile", 60
	return p
}

// publication is a message on a topic of demo/lane-2.
func publication(leaf string, payload []byte) *packets.PublishPacket {
	p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	p.TopicName, p.Payload = wire.Topic("demo", "lane-2", leaf), payload
	return p
}

func send(t *testing.T, c net.Conn, all ...packets.ControlPacket) {
	t.Helper()
	for _, p := range all {
		if err := p.Write(c); err != nil {
			t.Fatal(err)
		}
	}
}

// Whoever reaches the broker's port and does not keep to the protocol is cut off, costs the hub no more than its own
// connection, and an honest agent's rows are acknowledged meanwhile.
func TestHostileConnections(t *testing.T) {
	i := startIssuing(t, hostileAgents, time.Hour)
	honest, _ := i.broker(t, time.Hour)
	j, _ := agent(t, honest)
	acked := func() {
		t.Helper()
		commit(t, j, observation.Class_CLASS_ALARM, 1)
		eventually(t, "the honest agent's acknowledgement", func() bool { return j.Acked(1) == j.Last(1) })
	}
	acked()
	b, _ := i.brokerOf(t, "demo/lane-2", time.Hour)
	plain := func(t *testing.T) net.Conn {
		c, err := net.Dial("tcp", i.MQTT)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	for name, attack := range map[string]func(t *testing.T) net.Conn{
		"says nothing": plain,
		"no TLS": func(t *testing.T) net.Conn {
			c := plain(t)
			send(t, c, connectPacket())
			return c
		},
		"half a TLS hello": func(t *testing.T) net.Conn {
			c := plain(t)
			_, _ = c.Write([]byte{0x16, 3, 1, 2, 0, 1}) // the broker may be gone
			return c
		},
		"says nothing over TLS": func(t *testing.T) net.Conn { return i.rawTLS(t, b) },
		"half a connect": func(t *testing.T) net.Conn {
			c := i.rawTLS(t, b)
			_, _ = c.Write([]byte{0x10, 40, 0, 4, 'M', 'Q'})
			return c
		},
		"no MQTT": func(t *testing.T) net.Conn {
			c := i.rawTLS(t, b)
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: hub\r\n\r\n")
			return c
		},
		"publishes first": func(t *testing.T) net.Conn {
			c := i.rawTLS(t, b)
			send(t, c, publication(wire.LeafHello, []byte("x")))
			return c
		},
		"announces 256 MB": func(t *testing.T) net.Conn {
			c := i.rawTLS(t, b)
			_, _ = c.Write([]byte{0x10, 0xff, 0xff, 0xff, 0x7f, 0, 4, 'M', 'Q', 'T', 'T'})
			return c
		},
		"oversized message": func(t *testing.T) net.Conn {
			c := i.rawTLS(t, b)
			send(t, c, connectPacket())
			_ = publication(wire.LeafHello, make([]byte, 2<<20)).Write(c) // it may be cut off in the middle
			return c
		},
		"a packet of no type": func(t *testing.T) net.Conn {
			c := i.rawTLS(t, b)
			send(t, c, connectPacket())
			_, _ = c.Write([]byte{0xf0, 2, 0, 0})
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := attack(t)
			acked()
			closed(t, c)
		})
	}
	acked()
	otherCA, otherKey := selfSigned(t)
	b.CertFile, b.KeyFile = onDisk(t, issued(t, otherCA, otherKey, "demo/lane-2"))
	if _, err := connect(t, b, "x"); err == nil {
		t.Error("a certificate of another authority was accepted")
	}
	acked()
	// Connections that only try the port are not logged, so that scanners do not fill the log.
	for _, want := range []string{"maximum payload exceeded", "the first packet should be a CONNECT", "authentication error"} {
		eventually(t, "the log to say "+want, func() bool { return i.log.has(want) })
	}
}

// Messages that cannot be understood are counted, and are their sender's alone; a client that sends and never reads is
// cut off or waits, and no other does.
func TestHostileMessages(t *testing.T) {
	i := startIssuing(t, hostileAgents, time.Hour)
	honest, _ := i.broker(t, time.Hour)
	j, _ := agent(t, honest)
	b, key := i.brokerOf(t, "demo/lane-2", time.Hour)
	c := i.rawTLS(t, b)
	send(t, c, connectPacket())
	zeros := make([]byte, 1<<20)
	leaves := wire.UpLeaves()
	for _, leaf := range leaves {
		for _, payload := range [][]byte{nil, []byte("x"), {0x28, 0xb5, 0x2f, 0xfd}, zeros} {
			send(t, c, publication(leaf, payload))
		}
	}
	commit(t, j, observation.Class_CLASS_ALARM, 1)
	eventually(t, "the honest agent's acknowledgement", func() bool { return j.Acked(1) == j.Last(1) })
	eventually(t, "the malformed messages to be counted", func() bool { return i.metric(t, "lanehub_malformed_total") != "0" })
	if !i.log.has("could not be understood") {
		t.Error("the log does not say it")
	}

	// Requests whose answers nobody reads.
	payload := renewalPayload(t, b, key, "demo/lane-2")
	slow := i.rawTLS(t, b)
	subscribe := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
	subscribe.MessageID, subscribe.Topics, subscribe.Qoss = 1, []string{wire.Topic("demo", "lane-2", wire.LeafAck)}, []byte{0}
	send(t, slow, connectPacket(), subscribe)
	for range 5000 {
		if publication(wire.LeafRenew, payload).Write(slow) != nil {
			break
		}
	}
	commit(t, j, observation.Class_CLASS_ALARM, 1)
	eventually(t, "the acknowledgement beside a client that does not read", func() bool { return j.Acked(1) == j.Last(1) })
}

// A certificate that is taken out of the agents file is cut off and refused while others go on.
func TestRevokedCertificate(t *testing.T) {
	i := startIssuing(t, hostileAgents, time.Hour)
	honest, _ := i.broker(t, time.Hour)
	j, _ := agent(t, honest)
	b, _ := i.brokerOf(t, "demo/lane-2", time.Hour)
	client, err := connect(t, b, "revoked")
	if err != nil {
		t.Fatal(err)
	}
	write(t, i.AgentsFile, "demo/lane-1:certificate\n")
	eventually(t, "the end of the connection", func() bool { return !client.IsConnected() })
	if _, err := connect(t, b, "revoked"); err == nil {
		t.Error("it was let in again")
	}
	if !i.log.has("authentication error") {
		t.Error("the log does not say it")
	}
	commit(t, j, observation.Class_CLASS_ALARM, 1)
	eventually(t, "the honest agent's acknowledgement", func() bool { return j.Acked(1) == j.Last(1) })
}

// halfOpenEnv tells this test program, started once more, to open connections: "ADDRESS N".
const halfOpenEnv = "LANEWARDEN_HALF_OPEN"

// TestMain opens connections for halfOpen when it asks for that, until its standard input ends.
func TestMain(m *testing.M) {
	address, n := "", 0
	if _, err := fmt.Sscan(os.Getenv(halfOpenEnv), &address, &n); err != nil {
		os.Exit(m.Run())
	}
	var all []net.Conn
	for range n {
		c, err := net.DialTimeout("tcp", address, 10*time.Second)
		if err != nil {
			fmt.Fprintf(os.Stderr, "after %d connections: %v\n", len(all), err)
			break
		}
		all = append(all, c)
	}
	fmt.Println(len(all))
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// halfOpen opens so many connections to the broker on which nothing is said, as many as the machine allows. It returns
// how many, and what closes them. Another process holds them, as each may have so many files only.
func halfOpen(t testing.TB, address string, n int) (opened int, release func()) {
	t.Helper()
	holder := exec.Command(os.Args[0])
	holder.Env, holder.Stderr = append(os.Environ(), fmt.Sprintf("%s=%s %d", halfOpenEnv, address, n)), os.Stderr
	in, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	release = sync.OnceFunc(func() {
		in.Close()
		_ = holder.Wait()
	})
	t.Cleanup(release)
	if _, err := fmt.Fscan(out, &opened); err != nil {
		t.Fatal(err)
	}
	return opened, release
}

// Thousands of connections on which nothing is said keep no agent out, neither one that is connected nor one that comes.
func TestHalfOpenConnections(t *testing.T) {
	i := startIssuing(t, hostileAgents, time.Hour)
	honest, _ := i.broker(t, time.Hour)
	j, _ := agent(t, honest)
	commit(t, j, observation.Class_CLASS_ALARM, 1)
	eventually(t, "the first acknowledgement", func() bool { return j.Acked(1) == j.Last(1) })
	n := most(t)
	if testing.Short() {
		n = 500
	}
	opened, release := halfOpen(t, i.MQTT, n)
	t.Logf("%d half-open connections", opened)
	if opened < n/2 {
		t.Skipf("only %d connections can be opened here", opened)
	}
	commit(t, j, observation.Class_CLASS_ALARM, 1)
	eventually(t, "the acknowledgement beside them", func() bool { return j.Acked(1) == j.Last(1) })
	b, _ := i.brokerOf(t, "demo/lane-2", time.Hour)
	eventually(t, "another agent to be let in", func() bool {
		client, err := connect(t, b, "late")
		return err == nil && client.IsConnected()
	})
	release()
}

// BenchmarkAckBesideHalfOpen prints how long an acknowledgement takes, alone and beside half-open connections.
func BenchmarkAckBesideHalfOpen(b *testing.B) {
	for name, n := range map[string]int{"alone": 0, "beside": most(b)} {
		b.Run(name, func(b *testing.B) {
			i := startIssuing(b, hostileAgents, time.Hour)
			honest, _ := i.broker(b, time.Hour)
			j, u := agent(b, honest)
			eventually(b, "the link", func() bool { return u.Status().Ready })
			opened, release := halfOpen(b, i.MQTT, n)
			for b.Loop() {
				commit(b, j, observation.Class_CLASS_ALARM, 1)
				for j.Acked(1) != j.Last(1) {
					<-time.After(100 * time.Microsecond)
				}
			}
			release()
			b.ReportMetric(float64(opened), "connections")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/ack")
		})
	}
}

// most returns how many connections the hub's process can hold, 10,000 at most.
func most(t testing.TB) int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	const others = 300 // files that the hub and the test need beside them
	return min(10_000, int(limit.Cur)-others)
}
