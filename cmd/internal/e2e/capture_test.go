package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/driver/drivertest/peer"
	plate "lanewarden/drivers/vehicle/plate/sim"
	plc "lanewarden/drivers/vehicle/plc/sim"
	scale "lanewarden/drivers/vehicle/scale/sim"
)

// noisy serves a device through a connection that garbles what it says now and then, as a damaged cable does.
func noisy(ctx context.Context, t *testing.T, address string, device func(context.Context, net.Listener) error) {
	behind := freeAddress(t)
	l, err := net.Listen("tcp", behind)
	if err != nil {
		t.Fatal(err)
	}
	front, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	go device(ctx, l)
	context.AfterFunc(ctx, func() { front.Close() })
	go func() {
		for {
			c, err := front.Accept()
			if err != nil {
				return
			}
			d, err := net.Dial("tcp", behind)
			if err != nil {
				c.Close()
				continue
			}
			stop := context.AfterFunc(ctx, func() { c.Close(); d.Close() })
			rng, buf := rand.New(rand.NewPCG(1, 2)), make([]byte, 1024)
			for {
				n, err := d.Read(buf)
				if err != nil {
					break
				}
				if rng.IntN(10) == 0 {
					buf[rng.IntN(n)] ^= 0x55
				}
				if _, err := c.Write(buf[:n]); err != nil {
					break
				}
			}
			stop()
			c.Close()
			d.Close()
		}
	}()
}

// TestCapture records devices, one of them on a damaged cable, while they are at work: a replay observes what was journalled, faults
// included, and Wireshark dissects DICOM, Modbus and MQTT.
func TestCapture(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	weigh, io := &scale.Scale{}, &plc.Module{}
	scaleAt, ioAt, plates, broker := freeAddress(t), freeAddress(t), freeAddress(t), freeAddress(t)
	noisy(ctx, t, scaleAt, weigh.Serve)
	go io.Serve(ctx, ioAt)
	mqtt := ""
	if err := peer.Mosquitto.Check(); err != nil {
		t.Log(err)
	} else {
		_, port, _ := net.SplitHostPort(broker)
		peer.Start(ctx, t, exec.Command(peer.MosquittoPath(), "-p", port))
		mqtt = fmt.Sprintf(`, mqtt: {broker: "mqtt://%s", topic: "cameras/#"}`, broker)
	}
	w := newWorld(t, options{devices: fmt.Sprintf(`  - {id: scale-1, driver: scale, lane: lane-1, settings: {address: "%s"}}
  - {id: io-1, driver: plc, lane: lane-1, settings: {address: "%s", profile: example-lane-io}}
  - {id: lpr-1, driver: plate, lane: lane-1, settings: {http: {listen: "%s", path: /p}%s}}`, scaleAt, ioAt, plates, mqtt)})
	camera := &plate.Camera{URL: "http://" + plates + "/p", ID: "entry", Vendor: "openalpr", Rand: rand.New(rand.NewPCG(1, 1)), Right: 1}
	faults := func() (n uint64) {
		s, err := w.status()
		for _, d := range s.Devices {
			if d.ID == "scale-1" && err == nil {
				n = d.Faults
			}
		}
		return n
	}
	w.waitFor("the plate reader's endpoint", 20*time.Second, func() bool { return camera.Post(ctx, "ABC123", time.Now()) == nil })
	if !w.push(ctx, scanOf(1, 100<<10)) {
		t.Fatal("the scan was not taken")
	}
	for i := 0; i < 4 || faults() < 3; i++ {
		if i > 60 {
			t.Fatal("a minute on a damaged cable, and no faults")
		}
		weigh.Load(float64(5000 + 1000*i))
		<-time.After(800 * time.Millisecond)
		weigh.Load(0)
		<-time.After(400 * time.Millisecond)
	}
	files := map[string]string{}
	for _, c := range []struct{ device, format string }{
		{"scale-1", "tape"}, {"rpm-1", "tape"}, {"lpr-1", "tape"}, {"io-1", "pcapng"}, {"xray-1", "pcapng"}, {"lpr-1", "pcapng"}, {"scale-1", "pcapng"},
	} {
		path := filepath.Join(w.dir, c.device+"."+c.format)
		w.lanectl("capture", c.device, "--since", "5m", "--format", c.format, "--out", path)
		files[c.device+"."+c.format] = path
	}
	for _, device := range []string{"scale-1", "rpm-1", "lpr-1"} {
		out := w.lanectl("replay", files[device+".tape"], "--json")
		same, fault := 0, 0
		for line := range strings.Lines(out) {
			var m struct{ Match string }
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatal(err)
			}
			if m.Match == "same" {
				same++
			}
			if strings.Contains(line, "deviceFault") {
				fault++
			}
		}
		t.Logf("%s: %d observations replayed the same, %d of them faults", device, same, fault)
		if same == 0 || device == "scale-1" && fault == 0 {
			t.Errorf("%s: %s", device, out)
		}
	}
	dissects(t, files["io-1.pcapng"], "mbtcp")
	dissects(t, files["xray-1.pcapng"], "dicom")
	if mqtt != "" {
		dissects(t, files["lpr-1.pcapng"], "mqtt")
	}
}

// lanectl runs it on the agent, which must be content.
func (w *world) lanectl(args ...string) string {
	w.t.Helper()
	cmd := exec.Command(filepath.Join(bin, "lanectl"), args...)
	cmd.Env = append(os.Environ(), "LANEWARDEN_SOCKET="+w.socket)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("lanectl %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

// dissects checks that Wireshark finds a protocol in a file, and nothing wrong with the packets.
func dissects(t *testing.T, path, protocol string) {
	if err := peer.Tshark.Check(); err != nil {
		t.Logf("not looked at %s: %v", path, err)
		return
	}
	count := func(filter string) int {
		var words bytes.Buffer
		cmd := exec.Command("tshark", "-r", path, "-Y", filter, "-T", "fields", "-e", "frame.number")
		cmd.Stderr = &words
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("tshark: %v: %s", err, words.String())
		}
		return strings.Count(string(out), "\n")
	}
	if n := count(protocol); n == 0 {
		t.Errorf("%s: Wireshark finds no %s", path, protocol)
	}
	if n := count(protocol + " && _ws.malformed"); n > 0 {
		t.Errorf("%s: %d malformed packets", path, n)
	}
}
