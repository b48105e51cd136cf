package e2e

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/xray/dicos/sim"
	"lanewarden/drivers/xray/picture"
)

// BenchmarkRegionBesideImage puts an image of 20 MB on a link of 64 kbit/s and reports how long looks at regions of it take
// meanwhile, from the request of a page to the last value, and how long the preview of another scan takes from the drop folder
// of its driver. Regions are all of the image, a quarter of its height, what each pixel of passes in a second, and an area of
// which each pixel is asked for.
func BenchmarkRegionBesideImage(b *testing.B) {
	bed := newThinBed(b, thinCase{bits: 64_000})
	image := fmt.Sprintf("http://%s/v1/artifacts/%x", bed.feed, imageHash(b))
	for _, c := range []struct{ name, query string }{
		{"all-at-first", "within=400"}, {"all", "within=1000"},
		{"quarter-at-first", "within=400&region=%d,600,1400,460"}, {"quarter", "within=1000&region=%d,600,1400,460"},
		{"64x64", "within=1000&region=%d,900,64,64"}, {"each-of-160x120", "exact&region=%d,900,160,120"},
	} {
		b.Run(c.name, func(b *testing.B) {
			var took []time.Duration
			var scale picture.Scale
			for k := range 9 {
				query := c.query
				if strings.Contains(query, "%") {
					query = fmt.Sprintf(query, 900+100*k)
				}
				begin := time.Now()
				scale = lookAtRegion(b, image+"/region?"+query)
				took = append(took, time.Since(begin))
				time.Sleep(2 * time.Second)
			}
			for b.Loop() {
			}
			reportTook(b, took)
			b.ReportMetric(float64(scale.Width*scale.Height), "values")
			b.ReportMetric(float64(scale.Region[2])/float64(scale.Width), "pixels-a-side")
		})
	}
	b.Run("preview", func(b *testing.B) {
		var took []time.Duration
		for k := range 5 {
			s := sim.Scan{Seed: uint64(10 + k), At: time.Now(), OOI: fmt.Sprintf("SIMU%07d", 500+k)}
			begin := time.Now()
			bed.drop(b, s.Sized(1 << 20).Objects()[1])
			bed.awaitPreview(b)
			took = append(took, time.Since(begin))
			time.Sleep(4 * time.Second)
		}
		for b.Loop() {
		}
		reportTook(b, took)
	})
}

// reportTook reports how long something took: the median and the worst.
func reportTook(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "ms-median")
	b.ReportMetric(float64(took[len(took)-1].Milliseconds()), "ms-worst")
}

// imageHash returns the SHA-256 of the image that newThinBed puts on its way.
func imageHash(b *testing.B) []byte {
	h := sha256.New()
	if err := thinImage().Write(h); err != nil {
		b.Fatal(err)
	}
	return h.Sum(nil)
}

// lookAtRegion asks for a region and returns what came.
func lookAtRegion(b *testing.B, url string) picture.Scale {
	resp, err := http.Get(url)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b.Fatal(url, resp.Status)
	}
	scale, _, err := picture.ReadValues(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	return scale
}

// awaitPreview returns when the next preview is whole at the hub.
func (bed *thinBed) awaitPreview(b *testing.B) {
	for {
		var e struct {
			Type string
			Data struct{ Artifacts []struct{ SHA256 string } }
		}
		select {
		case got := <-bed.events:
			if err := json.Unmarshal([]byte(got), &e); err != nil {
				b.Fatal(err)
			}
		case <-time.After(time.Minute):
			b.Fatal("no preview comes\n" + tail(bed.agent.log.Name()))
		}
		if e.Type != "lanewarden.xray.preview.v1" {
			continue
		}
		for path := "http://" + bed.feed + "/v1/artifacts/" + e.Data.Artifacts[0].SHA256; ; <-time.After(10 * time.Millisecond) {
			resp, err := http.Get(path)
			if err != nil {
				b.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
	}
}
