package picture

import (
	"bytes"
	"image/png"
	"runtime"
	"testing"
	"time"

	"lanewarden/drivers/xray/dicos/sim"
	"lanewarden/drivers/xray/pixel"
)

// BenchmarkPreview makes the preview of an image of 4000 x 2000 pixels of 16 bits, file to PNG as the
// console serves it, on one core.
func BenchmarkPreview(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var file bytes.Buffer
	if err := (sim.Scan{Seed: 3, Rows: 2000, Columns: 4000, At: time.Unix(1_800_000_000, 0)}).
		WriteImage(&file); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		i, err := pixel.Open(bytes.NewReader(file.Bytes()), int64(file.Len()))
		if err != nil {
			b.Fatal(err)
		}
		drawn, err := Draw(i, Options{})
		if err != nil {
			b.Fatal(err)
		}
		var out bytes.Buffer
		if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&out, drawn); err != nil {
			b.Fatal(err)
		}
	}
}
