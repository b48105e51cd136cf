package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/xray/dicos/sim"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/ledger"
)

// scanOf makes a scan of about so many bytes an image.
func scanOf(seed uint64, bytes int64) sim.Scan {
	return sim.Scan{Seed: seed, At: time.Now(), OOI: fmt.Sprintf("SIMU%07d", seed), Threat: seed%5 == 0}.Sized(bytes)
}

// push sends a scan until all of it is stored, as a device does, or ctx ends.
func (w *world) push(ctx context.Context, s sim.Scan) bool {
	for ctx.Err() == nil {
		if err := s.Push(ctx, w.dicom, "XRAY", "LANE"); err == nil {
			return true
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return false
}

// imagesOf counts how often the ledger names each artifact: those of images, and all.
func imagesOf(t *testing.T, w *world) (images, all map[[32]byte]int) {
	db, err := sqlog.Open(w.ledgerDB(), sqlog.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	images, all = map[[32]byte]int{}, map[[32]byte]int{}
	err = db.Query("SELECT body FROM observation", func(c []driver.Value) error {
		var b observation.Body
		if err := proto.Unmarshal(sqlog.Bytes(c[0]), &b); err != nil {
			return err
		}
		for _, a := range b.Artifacts {
			all[[32]byte(a.Sha256)]++
			if b.GetXrayImage() != nil {
				images[[32]byte(a.Sha256)]++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return images, all
}

// get fetches an artifact from the hub.
func (w *world) get(sum [32]byte, ranges string) (*http.Response, []byte, error) {
	r, err := http.NewRequest(http.MethodGet, fmt.Sprintf("http://%s/v1/artifacts/%x", w.hubHTTP, sum), nil)
	if err != nil {
		return nil, nil, err
	}
	if ranges != "" {
		r.Header.Set("Range", ranges)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, body, err
}

// TestKillDuringImages kills agent and hub while images are pushed and on their way to the hub: all arrive, none twice, and what the
// hub serves has the right hash.
func TestKillDuringImages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	const senders, scans = 3, 10
	size := int64(3 << 20)
	n := kills(t, usualKills)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for k := range scans {
				if !w.push(ctx, scanOf(uint64(1+s*100+k), size)) {
					t.Error("a scan was not stored")
				}
			}
		})
	}
	victims := []*program{w.agent, w.hub}
	for i := range n {
		time.Sleep(time.Duration(100+rand.IntN(700)) * time.Millisecond) // a random moment is what is tested
		victims[i%2].end(syscall.SIGKILL)
		time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
		victims[i%2].start()
	}
	wg.Wait()
	w.waitFor("the hub to have everything", 3*time.Minute, w.drained)
	images, all := imagesOf(t, w)
	if len(images) != senders*scans {
		t.Errorf("%d images are in the ledger, %d were pushed", len(images), senders*scans)
	}
	for sum, times := range images {
		if times != 1 {
			t.Errorf("image %x is %d times in the ledger", sum[:4], times)
		}
	}
	for sum := range all {
		resp, body, err := w.get(sum, "")
		if err != nil || resp.StatusCode != http.StatusOK || sha256.Sum256(body) != sum {
			t.Errorf("artifact %x: %v %v, %d bytes, or another hash", sum[:4], resp, err, len(body))
		}
	}
	t.Logf("%d kills; %d images, %d artifacts, each once and with the right hash", n, len(images), len(all))
	w.stop()
	w.checkCopies()
	if left, _ := filepath.Glob(filepath.Join(w.path("hub"), "artifacts", "parts", "*")); len(left) > 0 {
		t.Errorf("parts were left behind: %v", left)
	}
}

// TestPull has the second of two images sent before the rest of the first, over a thin link; ranges are served.
func TestPull(t *testing.T) {
	t.Parallel()
	var thin thinLink
	w := newWorld(t, options{through: thin.through(t, 200), noPortal: true}) // 200 kB/s
	w.waitFor("the link", 30*time.Second, func() bool { s, err := w.status(); return err == nil && s.Link.Ready })
	first, second := scanOf(1, 6<<20), scanOf(2, 1<<20)
	for _, s := range []sim.Scan{first, second} {
		if !w.push(t.Context(), s) {
			t.Fatal("not stored")
		}
	}
	var sums [][32]byte
	w.waitFor("both images and their previews to be named", 30*time.Second, func() bool {
		images, all := imagesOf(t, w)
		sums = nil
		for sum := range images {
			sums = append(sums, sum)
		}
		return len(images) == 2 && len(all) == 6 // with two reports and two previews
	})
	state := func(sum [32]byte) (a ledger.ArtifactState) {
		resp, err := http.Get(fmt.Sprintf("http://%s/v1/artifacts/%x/state", w.hubHTTP, sum))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	big, small := sums[0], sums[1]
	if state(big).Size < state(small).Size {
		big, small = small, big
	}
	resp, _, err := w.get(small, "")
	if err != nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("an artifact that is on its way: %v %v", resp, err)
	}
	if resp, err = http.Post(fmt.Sprintf("http://%s/v1/artifacts/%x/pull", w.hubHTTP, small), "", nil); err != nil || resp.StatusCode != http.StatusAccepted {
		t.Fatalf("pull: %v %v", resp, err)
	}
	resp.Body.Close()
	w.waitFor("the image that was pulled", 60*time.Second, func() bool { return state(small).Complete })
	if s := state(big); s.Complete || s.Held == 0 {
		t.Errorf("when the pulled image was there, of the other one %d of %d bytes were", s.Held, s.Size)
	} else {
		t.Logf("pulled image complete, of the other one %d of %d bytes", s.Held, s.Size)
	}
	resp, part, err := w.get(small, "bytes=100-199")
	_, whole, _ := w.get(small, "")
	if err != nil || resp.StatusCode != http.StatusPartialContent || !bytes.Equal(part, whole[100:200]) {
		t.Errorf("range: %v %v", resp, err)
	}
	w.waitFor("the rest", 2*time.Minute, w.drained)
	if _, body, _ := w.get(big, ""); sha256.Sum256(body) != big {
		t.Error("the other image has another hash")
	}
}

// TestOneImageTwice drops a file that was there before under another name: nothing is sent again.
func TestOneImageTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{noPortal: true})
	scan := scanOf(3, 1<<20)
	var b bytes.Buffer
	if err := scan.WriteImage(&b); err != nil {
		t.Fatal(err)
	}
	var sent uint64
	for k, name := range []string{"a.dcs", "b.dcs"} {
		w.waitFor("the drop folder", 10*time.Second, func() bool { _, err := os.Stat(w.path("xray/done")); return err == nil })
		if err := os.WriteFile(filepath.Join(w.path("xray"), name), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		w.waitFor("the file to be taken", 10*time.Second, func() bool { _, err := os.Stat(w.path("xray/done/" + name)); return err == nil })
		w.waitFor("the hub to have it", 30*time.Second, func() bool {
			images, _ := imagesOf(t, w)
			return w.drained() && len(images) == 1
		})
		s, err := w.status()
		if err != nil {
			t.Fatal(err)
		}
		if k == 1 && s.Link.SentBytes-sent > 100<<10 {
			t.Errorf("%d bytes were sent for an image that the hub has", s.Link.SentBytes-sent)
		}
		sent = s.Link.SentBytes
	}
}
