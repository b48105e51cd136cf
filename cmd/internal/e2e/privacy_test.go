package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	plate "lanewarden/drivers/vehicle/plate/sim"
	"lanewarden/edge/journal"
	"lanewarden/sync/hub/ledger"
)

// TestPlatesOnDisk posts a plate as a camera does, with its document, and looks for it in every file of journal and
// ledger: while they run, after they stopped, and after it was erased at the lane. The hub has it until then, and
// both sides verify all along.
func TestPlatesOnDisk(t *testing.T) {
	t.Parallel()
	const secret, other = "QZKX482", "WVNJ731"
	address := freeAddress(t)
	w := newWorld(t, options{noPortal: true, devices: fmt.Sprintf(
		`  - {id: lpr-1, driver: plate, lane: lane-1, settings: {http: {listen: "%s", path: /p}}}`, address)})
	camera := &plate.Camera{
		URL: "http://" + address + "/p", ID: "entry", Vendor: "platerecognizer", Rand: rand.New(rand.NewPCG(1, 1)), Right: 1,
	}
	for _, p := range []string{secret, other} {
		if err := camera.Post(t.Context(), p, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	w.waitFor("the hub to have everything", time.Minute, w.drained)
	w.mustNotHold(secret)
	if n := w.reads(secret); n != 1 {
		t.Errorf("the hub has the read %d times", n)
	}
	w.stop()
	w.mustNotHold(secret)
	w.checkCopies()

	w.hub.start()
	w.agent.start()
	w.waitFor("the agent", time.Minute, w.drained)
	said := w.lanectl("erase", "--name", "qzkx 482")
	if !strings.Contains(said, "erased") {
		t.Error(said)
	}
	w.waitFor("the hub to have everything", time.Minute, w.drained)
	w.stop()
	w.checkCopies()
	if w.reads(secret) != 0 || w.reads(other) != 1 {
		t.Errorf("the hub has the erased read %d times, the other %d times", w.reads(secret), w.reads(other))
	}
	for _, path := range []string{w.path("agent"), w.path("hub")} {
		if out := w.run("lanectl", "verify", path); !strings.Contains(out, "OK") {
			t.Errorf("verify: %s", out)
		}
	}
}

// reads counts the reads of a plate that the hub can show.
func (w *world) reads(plate string) (n int) {
	w.bodies(func(b *observation.Body) {
		if b.GetVehiclePlate().GetNormal() == plate {
			n++
		}
	})
	return n
}

// mustNotHold fails when a file of journal or ledger has a text.
func (w *world) mustNotHold(text string) {
	w.t.Helper()
	journals, err := filepath.Glob(filepath.Join(filepath.Dir(w.journalDB()), journal.FileName+"*"))
	if err != nil {
		w.t.Fatal(err)
	}
	ledgers, err := filepath.Glob(filepath.Join(w.path("hub"), ledger.FileName+"*"))
	if err != nil || len(journals) == 0 || len(ledgers) == 0 {
		w.t.Fatal(journals, ledgers, err)
	}
	for _, path := range append(journals, ledgers...) {
		data, err := os.ReadFile(path)
		if err != nil {
			w.t.Fatal(err)
		}
		if bytes.Contains(data, []byte(text)) {
			w.t.Errorf("%s has %s", path, text)
		}
	}
}
