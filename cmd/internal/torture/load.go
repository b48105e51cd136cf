package torture

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"lanewarden/drivers/driver"
	n42 "lanewarden/drivers/radiation/n42/sim"
	portal "lanewarden/drivers/radiation/tsa/sim"
	ionscan "lanewarden/drivers/trace/ionscan/sim"
	"lanewarden/drivers/trace/plasmagram"
	plate "lanewarden/drivers/vehicle/plate/sim"
	dicos "lanewarden/drivers/xray/dicos/sim"
	firmwareconfig "lanewarden/firmware-config"
)

// imageBytes is the size of an image's pixels: several times what is kept within a database.
const imageBytes = 300 << 10

// client gives up on a program that is stopped, as a device does.
var client = &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// load is the devices, which post until they are stopped.
type load struct {
	rig    *rig
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// startLoad switches the devices on: each sends a result again and again until it is told that it is stored. The reader
// that belongs to no lane, and so to no passage, posts so often that a commit is under way at most moments.
func (r *rig) startLoad(ctx context.Context) *load {
	l := &load{rig: r}
	l.ctx, l.cancel = context.WithCancel(ctx)
	for sender := range 2 {
		l.every(200*time.Millisecond, func(n int) { l.postDocument(sender<<24 | n) })
	}
	l.every(500*time.Millisecond, func(n int) { l.postPlate(r.plates, n) })
	for sender := range 3 {
		l.every(20*time.Millisecond, func(n int) { l.postPlate(r.parking, (sender+1)*1_000_000+n) })
	}
	l.every(2*time.Second, func(n int) { l.pushScan(n) })
	l.wg.Go(l.scanSwabs)
	l.wg.Go(l.servePortal)
	return l
}

// stop switches the devices off. A result that no one was told of is no one's.
func (l *load) stop() {
	l.cancel()
	l.wg.Wait()
}

// every does something again and again, with a pause.
func (l *load) every(pause time.Duration, f func(n int)) {
	l.wg.Go(func() {
		for n := 0; sleep(l.ctx, pause) == nil; n++ {
			f(n)
		}
	})
}

// untilStored sends until it is stored.
func (l *load) untilStored(i item, d digest, send func() error) {
	for l.ctx.Err() == nil {
		if send() == nil {
			l.rig.oracle.acknowledged(i, d)
			return
		}
		sleep(l.ctx, 100*time.Millisecond)
	}
}

// post sends a body and wants 200.
func (l *load) post(url, mediaType string, body []byte) error {
	request, err := http.NewRequestWithContext(l.ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", mediaType)
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	return nil
}

// fileItem is a result that its bytes identify.
func fileItem(kind string, data []byte) (item, digest) {
	sum := sha256.Sum256(data)
	return item{kind, hex.EncodeToString(sum[:])}, sum
}

func (l *load) postDocument(n int) {
	pass := n42.Draw(rand.New(rand.NewPCG(l.rig.result.Seed, uint64(n))), n, time.Now(), 0.1, 0.1)
	pass.Seconds = 1
	doc := n42.Document(pass, l.rig.result.Seed)
	i, d := fileItem(document, doc)
	l.untilStored(i, d, func() error { return l.post("http://"+l.rig.n42+"/n42", "application/xml", doc) })
}

func (l *load) postPlate(address string, n int) {
	camera := plate.Camera{ID: address, Vendor: "openalpr"}
	text := fmt.Sprintf("T%07d", n)
	body, mediaType, err := camera.Payload(text, 0.95, time.Now())
	if err != nil {
		l.rig.result.note("a plate read cannot be made: %v", err)
		return
	}
	l.untilStored(item{read, text}, digest{}, func() error { return l.post("http://"+address+"/p", mediaType, body) })
}

// pushScan sends a scan by C-STORE. The receiver writes a file header of its own; the pixels, which end the file, are
// as they were sent.
func (l *load) pushScan(n int) {
	s := dicos.Scan{Seed: uint64(n), At: time.Now(), OOI: fmt.Sprintf("SIMU%07d", n), Threat: n%5 == 0}.Sized(imageBytes)
	var file bytes.Buffer
	if err := s.WriteImage(&file); err != nil {
		l.rig.result.note("an image cannot be made: %v", err)
		return
	}
	pixels := file.Bytes()[file.Len()-2*s.Rows*s.Columns:]
	l.untilStored(item{image, s.OOI}, sha256.Sum256(pixels), func() error {
		ctx, cancel := context.WithTimeout(l.ctx, 10*time.Second)
		defer cancel()
		return s.Push(ctx, l.rig.dicom, "XRAY", "LANE")
	})
}

// scanSwabs drops an ion scanner's files into its share, which is on a machine of its own. One that moves to done/
// was acknowledged; what does not move is taken later.
func (l *load) scanSwabs() {
	var library driver.Ref[plasmagram.Library]
	if err := firmwareconfig.LoadDocument(&library, firmwareconfig.Substances, "open-literature"); err != nil {
		l.rig.result.note("no library of substances: %v", err)
		return
	}
	scanner, begin, seen := ionscan.NewScanner(l.rig.result.Seed, library.Value), time.Now(), map[string]bool{}
	for n := 0; sleep(l.ctx, 500*time.Millisecond) == nil; n++ {
		if n%2 == 0 {
			result, err := scanner.Run(scanner.Random(begin.Add(time.Duration(n)*time.Second), 0.3))
			if err == nil {
				err = result.Drop(l.rig.path("trace"))
			}
			if err != nil && !os.IsNotExist(err) { // the agent makes the folder
				l.rig.result.note("a swab: %v", err)
			}
		}
		l.collectSwabs(seen)
	}
}

// collectSwabs notes the files that moved to done/.
func (l *load) collectSwabs(seen map[string]bool) {
	folder := l.rig.path("trace/done")
	entries, _ := os.ReadDir(folder) // not there: nothing was taken
	for _, e := range entries {
		if seen[e.Name()] || !strings.HasSuffix(e.Name(), ".jdx") {
			continue
		}
		if data, err := os.ReadFile(filepath.Join(folder, e.Name())); err == nil {
			seen[e.Name()] = true
			i, d := fileItem(swab, data)
			l.rig.oracle.acknowledged(i, d)
		}
	}
}

// servePortal is a portal of which nothing is acknowledged: it fills journal and link with other classes.
func (l *load) servePortal() {
	listener, err := net.Listen("tcp", l.rig.portal)
	if err != nil {
		l.rig.result.note("the portal: %v", err)
		return
	}
	settings := portal.Defaults()
	settings.TruckEvery, settings.InnocentShare = 20*time.Second, 0.2
	(&portal.Server{Portal: portal.New(settings), Speed: 5}).Serve(l.ctx, listener)
}
