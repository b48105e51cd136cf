package listtaker

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/liststore"
	"lanewarden/firmware-config/lists"
	"lanewarden/sync/downlink"
	"lanewarden/sync/hub/orders"
	"lanewarden/sync/hub/orders/listbook"
	"lanewarden/sync/wire"
)

// counted counts the bytes of a folder that were fetched, packed as on the wire.
type counted struct {
	downlink.Fetcher
	codec *wire.Codec
	bytes int
}

func (c *counted) Fetch(ctx context.Context, name string, offset int64, limit int) ([]byte, int64, error) {
	data, total, err := c.Fetcher.Fetch(ctx, name, offset, limit)
	part, failed := c.codec.Encode(&wire.Part{Tag: 1 << 60, Name: name, Offset: offset, Total: total, Data: data, Missing: err != nil})
	if failed != nil {
		return nil, 0, failed
	}
	get, failed := c.codec.Encode(&wire.Get{Tag: 1 << 60, Name: name, Offset: offset, Limit: uint32(limit)})
	c.bytes += len(part) + len(get)
	if err == nil {
		err = failed
	}
	return data, total, err
}

type rows struct{}

func (rows) Commit(context.Context, ...*observation.Observation) (int, error) { return 1, nil }

// pairs returns n pairs of carrier and importer as CSV; so many of them have another end than usual.
func pairs(n, changed int) string {
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString("carrier;importer;valid_to\n")
	seen := map[string]bool{}
	for len(seen) < n {
		key := fmt.Sprintf("%04X;123456782RM%04d", random.IntN(1<<16), 1+random.IntN(9000))
		if seen[key] {
			continue
		}
		seen[key] = true
		day := 1 + random.IntN(28)
		if len(seen)%(n/max(changed, 1)) == 0 {
			day = 1 + rand.IntN(28)
		}
		fmt.Fprintf(&b, "%s;2027-%02d-%02d\n", key, 1+len(seen)%12, day)
	}
	return b.String()
}

// A list goes from the centre's book to the lane's store: whole at first, then by changes, of which 1,000 cost under 40 KB
// on the wire with all metadata.
func TestListComesDown(t *testing.T) {
	dir := t.TempDir()
	book, r := listbook.Open(dir), orders.At(filepath.Join(dir, "orders"))
	files, root, err := r.Init(filepath.Join(dir, "keys"), "")
	if err != nil {
		t.Fatal(err)
	}
	key, err := orders.ReadKey(files[len(files)-1], nil)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := os.ReadFile(root)
	if err != nil {
		t.Fatal(err)
	}
	store, err := liststore.Open(filepath.Join(dir, "lane-lists"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	codec, err := wire.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	defer codec.Close()
	lane, err := downlink.New(downlink.Options{
		Dir: filepath.Join(dir, "lane"), Site: "demo", Agent: "lane-1", Root: trust, ClockTrusted: func() bool { return true },
		Consumers: []downlink.Consumer{New(store)}, Journal: rows{}, Codec: codec, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	for version, changed := range []int{0, 1000, 300} {
		_, report, err := book.Import(lists.Pairs, listbook.Source{In: strings.NewReader(pairs(20_000, changed))})
		if err != nil {
			t.Fatal(err, report)
		}
		number, done, err := r.PublishList(book, lists.Pairs, "", []orders.Key{key})
		if err != nil || !done || number != int64(version+1) {
			t.Fatal(number, done, err)
		}
		f := &counted{Fetcher: downlink.Folder(filepath.Join(dir, "orders")), codec: codec}
		taken, err := lane.Look(t.Context(), f)
		if err != nil || len(taken) != 1 {
			t.Fatal(taken, err)
		}
		if want := map[int]string{0: Full(lists.Pairs, 1), 1: Delta(lists.Pairs, 1, 2), 2: Delta(lists.Pairs, 2, 3)}[version]; taken[0].Path != want {
			t.Errorf("took %s, want %s", taken[0].Path, want)
		}
		t.Logf("version %d, %d changes: %d bytes on the wire", number, changed, f.bytes)
		if version == 1 && f.bytes > 40_000 {
			t.Errorf("1,000 changes cost %d bytes", f.bytes)
		}
	}
	if all := store.Versions(); len(all) != 1 || all[0].Number != 3 {
		t.Errorf("in force: %v", all)
	}
}
