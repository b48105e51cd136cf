package liststore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"lanewarden/drivers/message"
	"lanewarden/edge/lane/clearance"
	"lanewarden/firmware-config/lists"
)

// listFile writes a full file of rows in any order.
func listFile(t testing.TB, kind lists.Kind, version int64, rows []lists.Row) (path string, v lists.Version) {
	t.Helper()
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b lists.Row) int { return bytes.Compare(a.Key, b.Key) })
	path = filepath.Join(t.TempDir(), "full")
	v = fullFile(t, path, kind, version, len(rows), func(i int) lists.Row { return rows[i] })
	return path, v
}

// deltaFile writes the delta from one full file to another.
func deltaFile(t testing.TB, from, to string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "delta")
	out, err := os.Create(path)
	check(t, err)
	defer out.Close()
	var readers []*lists.Reader
	for _, one := range []string{from, to} {
		f, err := os.Open(one)
		check(t, err)
		defer f.Close()
		r, err := lists.NewReader(f)
		check(t, err)
		defer r.Close()
		readers = append(readers, r)
	}
	check(t, lists.WriteDelta(out, readers[0], readers[1]))
	return path
}

func openStore(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	check(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// drivers returns n drivers by their numbers, those of an issue.
func drivers(n int, issue uint64) (rows []lists.Row) {
	for i := range n {
		rows = append(rows, randomDriver(i, issue).Row())
	}
	return rows
}

// Each method of clearance.Lists finds what is there, and nothing where nothing is.
func TestLookups(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "lists"))
	driver := lists.Driver{Program: "FAST", Number: "F1234", EPC: []byte{1, 2, 3, 4}, Status: lists.Active}
	second := lists.Driver{Program: "NEXUS", Number: "F1234", Status: lists.Active}
	near := lists.Driver{Program: "FAST", Number: "F12345", Status: lists.Active}
	trip := []lists.Row{lists.Shipment{CCN: "8080A1", CRN: "8080T1", Importer: "123456782RM0001"}.Row(),
		lists.Shipment{CCN: "8080A2", CRN: "8080T1"}.Row(), lists.Shipment{CCN: "8080A3"}.Row()}
	for kind, rows := range map[lists.Kind][]lists.Row{
		lists.Drivers:   {driver.Row(), second.Row(), near.Row()},
		lists.Carriers:  {lists.Carrier{Code: "XCRS", Status: lists.Active}.Row()},
		lists.Importers: {lists.Importer{BN15: "123456782RM0001", Status: lists.Active}.Row()},
		lists.Pairs:     {lists.Pair{Carrier: "XCRS", Importer: "123456782RM0001"}.Row()},
		lists.Manifest:  trip,
		lists.InTransit: {lists.Transit{Container: "CSQU3054383", Seals: []string{"AB1234"}}.Row()},
		lists.Rates:     {lists.Rate{Site: "*", Lane: "*", Class: "csa", Share: 0.05}.Row(), lists.Rate{Site: "a", Lane: "1", Class: "*"}.Row()},
		lists.Targets: {lists.Target{Type: lists.TargetPlate, Key: "AB", Prefix: true, Issuer: "a"}.Row(),
			lists.Target{Type: lists.TargetPlate, Key: "AB12", Issuer: "a"}.Row(),
			lists.Target{Type: lists.TargetPlate, Key: "AB12", Issuer: "b"}.Row(),
			lists.Target{Type: lists.TargetPlate, Key: "AB123", Issuer: "b"}.Row(),
			lists.Target{Type: lists.TargetSeal, Key: "AB12", Issuer: "b"}.Row(),
			lists.Target{Type: lists.TargetPlate, Key: "AB1", Prefix: true, Issuer: "a"}.Row(),
			lists.Target{Type: lists.TargetPlate, Key: "AB9", Prefix: true, Issuer: "a"}.Row()},
	} {
		path, _ := listFile(t, kind, 7, rows)
		check(t, install(t, s, path))
	}
	counts := map[string]int{}
	check(t, s.View(func(l clearance.Lists) error {
		var errs []error
		note := func(name string, n int, err error) { counts[name], errs = n, append(errs, err) }
		one := func(found bool) int { return map[bool]int{true: 1}[found] }
		byNumber, err := l.DriversByNumber("F1234")
		note("number", len(byNumber), err)
		none, err := l.DriversByNumber("F123")
		note("no number", len(none), err)
		byCard, err := l.DriversByCard(driver.EPC)
		note("card", len(byCard), err)
		none, err = l.DriversByCard([]byte{9})
		note("no card", len(none), err)
		none, err = l.DriversByCard(nil)
		note("empty card", len(none), err)
		_, found, err := l.Carrier("XCRS")
		note("carrier", one(found), err)
		_, found, err = l.Carrier("XCR")
		note("no carrier", one(found), err)
		_, found, err = l.Importer("123456782RM0001")
		note("importer", one(found), err)
		_, found, err = l.Pair("XCRS", "123456782RM0001")
		note("pair", one(found), err)
		_, found, err = l.Pair("XCRS", "123456782RM0002")
		note("no pair", one(found), err)
		shipment, found, err := l.Shipment("8080A1")
		note("shipment", one(found && shipment.Importer == "123456782RM0001"), err)
		ofTrip, err := l.ShipmentsOfTrip("8080T1")
		note("trip", len(ofTrip), err)
		_, found, err = l.Transit("CSQU3054383")
		note("transit", one(found), err)
		rates, err := l.Rates()
		note("rates", len(rates), err)
		targets, err := l.Targets(lists.TargetPlate, "AB12")
		note("targets", len(targets), err)
		targets, err = l.Targets(lists.TargetPlate, "A")
		note("no targets", len(targets), err)
		targets, err = l.Targets("nonsense", "AB12")
		note("no type", len(targets), err)
		return errors.Join(errs...)
	}))
	want := map[string]int{"number": 2, "no number": 0, "card": 1, "no card": 0, "empty card": 0, "carrier": 1, "no carrier": 0,
		"importer": 1, "pair": 1, "no pair": 0, "shipment": 1, "trip": 2, "transit": 1, "rates": 2, "targets": 4, "no targets": 0, "no type": 0}
	if !maps.Equal(counts, want) {
		t.Errorf("got %v\nwant %v", counts, want)
	}
	if got := s.Versions(); len(got) != len(lists.Kinds()) || got[0].Number != 7 || got[0].Kind != lists.Carriers {
		t.Errorf("versions %+v", got)
	}
}

// A store without lists answers that nothing is listed.
func TestNoLists(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "lists"))
	check(t, s.View(func(l clearance.Lists) error {
		drivers, err := l.DriversByNumber("1234")
		_, carrier, err2 := l.Carrier("XCRS")
		targets, err3 := l.Targets(lists.TargetPlate, "AB12")
		byCard, err4 := l.DriversByCard([]byte{1})
		if len(drivers)+len(targets)+len(byCard)+len(l.Versions()) > 0 || carrier {
			t.Error("something is listed")
		}
		return errors.Join(err, err2, err3, err4)
	}))
}

// content is the rows of a list's file as they are read from it, by key, and a check of its index.
func content(t testing.TB, s *Store, kind lists.Kind) map[string]string {
	t.Helper()
	got := map[string]string{}
	l := s.open[kind]
	var sum lists.Sum
	var entries []string
	check(t, l.scanMain(nil, after(nil), func(r lists.Row) bool {
		got[string(r.Key)] = string(r.Value)
		sum.Add(r)
		if key, err := indexKey(kind, r); err == nil && key != nil {
			entries = append(entries, string(key))
		}
		return true
	}))
	if sum.Name(kind, int64(len(got))) != l.SHA256 || int64(len(got)) != l.Rows {
		t.Errorf("%d rows are not those that the list names, %d", len(got), l.Rows)
	}
	slices.Sort(entries)
	var index []string
	check(t, l.scanOther(nil, after(nil), func(r lists.Row) bool { index = append(index, string(r.Key)); return true }))
	if !slices.Equal(entries, index) {
		t.Errorf("index has %d entries, rows ask for %d", len(index), len(entries))
	}
	check(t, verify(l.db, l.meta))
	return got
}

// rowsByKey is what content is to be.
func rowsByKey(rows []lists.Row) map[string]string {
	got := map[string]string{}
	for _, r := range rows {
		got[string(r.Key)] = string(r.Value)
	}
	return got
}

// However rows change, the delta from one version to the next leads to the same list as its full file.
func TestDeltaEqualsFull(t *testing.T) {
	for seed := range uint64(24) {
		rng := rand.New(rand.NewPCG(seed, 1))
		s := openStore(t, filepath.Join(t.TempDir(), "lists"))
		now := drivers([]int{0, 1, 3, 40, 400, 2000}[seed%6], 0)
		path, _ := listFile(t, lists.Drivers, 1, now)
		check(t, install(t, s, path))
		for version := range int64(1 + seed%3) {
			next := mutate(now, rng)
			to, _ := listFile(t, lists.Drivers, version+2, next)
			check(t, install(t, s, deltaFile(t, path, to)))
			if got := content(t, s, lists.Drivers); !maps.Equal(got, rowsByKey(next)) {
				t.Fatalf("seed %d: %d rows, want %d", seed, len(got), len(next))
			}
			now, path = next, to
		}
		check(t, s.Close())
	}
}

// mutate removes, changes and adds rows; sometimes nearly all of them.
func mutate(rows []lists.Row, rng *rand.Rand) (next []lists.Row) {
	some := []int{2, 5, 50}[rng.IntN(3)]
	for i, r := range rows {
		switch rng.IntN(some) {
		case 0:
		case 1:
			next = append(next, lists.Row{Key: r.Key, Value: randomDriver(i, rng.Uint64()).Row().Value})
		default:
			next = append(next, r)
		}
	}
	for range rng.IntN(len(rows)/some + 5) {
		d := randomDriver(rng.IntN(1_000_000), rng.Uint64())
		d.Number += "9" // a length that the others have not
		if r := d.Row(); !slices.ContainsFunc(next, func(o lists.Row) bool { return bytes.Equal(o.Key, r.Key) }) {
			next = append(next, r)
		}
	}
	return next
}

// What is not the next version of what is in force is refused with its reason, and what was in force still is.
func TestRefusals(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "lists"))
	first, second := drivers(300, 0), drivers(310, 0)
	full1, _ := listFile(t, lists.Drivers, 1, first)
	full2, _ := listFile(t, lists.Drivers, 2, second)
	full3, _ := listFile(t, lists.Drivers, 3, first)
	other, _ := listFile(t, lists.Drivers, 2, drivers(20, 5))
	delta12, delta23, deltaOther := deltaFile(t, full1, full2), deltaFile(t, full2, full3), deltaFile(t, other, full3)
	if err := install(t, s, delta12); !message.Of(err).Is("lists.no-base") {
		t.Errorf("a delta without its base: %v", err)
	}
	check(t, install(t, s, full2))
	read := func(path string) []byte {
		b, err := os.ReadFile(path)
		check(t, err)
		return b
	}
	lying := read(full3)
	copy(lying, replaceHash(t, lying))
	cases := map[string]struct {
		file []byte
		code string
	}{
		"same again":          {read(full2), "lists.not-newer"},
		"older":               {read(full1), "lists.not-newer"},
		"delta to the past":   {read(delta12), "lists.not-newer"},
		"delta of a sibling":  {read(deltaOther), "lists.other-base"},
		"cut off":             {read(full3)[:len(read(full3))/2], "lists.damaged"},
		"cut off delta":       {read(delta23)[:len(read(delta23))-5], "lists.damaged"},
		"other content":       {lying, "lists.other-content"},
		"nothing":             {nil, "lists.not-whole"},
		"no list":             {bytes.Repeat([]byte("x"), 1000), "lists.not-a-file"},
		"delta that lies":     {replaceHash(t, read(delta23)), "lists.other-content"},
		"goes on behind":      {append(read(full3), read(full3)[152:]...), "lists.goes-on"},
		"endless behind that": {append(read(full3), bytes.Repeat([]byte{0}, 1<<20)...), "lists.damaged"},
	}
	for name, c := range cases {
		if _, err := s.Install(context.Background(), bytes.NewReader(c.file)); !message.Of(err).Is(c.code) {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
		if got := content(t, s, lists.Drivers); !maps.Equal(got, rowsByKey(second)) || s.Versions()[0].Number != 2 {
			t.Fatalf("%s: the version before is not in force", name)
		}
	}
	check(t, install(t, s, delta23))
	if got := content(t, s, lists.Drivers); !maps.Equal(got, rowsByKey(first)) || s.Versions()[0].Number != 3 {
		t.Error("the delta is not in force")
	}
	left, err := filepath.Glob(filepath.Join(s.dir, "*"))
	check(t, err)
	for _, path := range left {
		if !strings.HasPrefix(filepath.Base(path), "drivers-2.db") {
			t.Errorf("%s is left", path)
		}
	}
}

// replaceHash changes the hash in a file's header, as one who writes such files could.
func replaceHash(t *testing.T, file []byte) []byte {
	t.Helper()
	r, err := lists.NewReader(bytes.NewReader(file))
	check(t, err)
	defer r.Close()
	h := r.Header
	h.SHA256[0] ^= 1
	out := &seekBuffer{}
	w, err := lists.NewWriter(out)
	check(t, err)
	check(t, w.Close(h))
	return append(slices.Clone(out.b[:152]), file[152:]...)
}

// seekBuffer is a file in memory.
type seekBuffer struct {
	b  []byte
	at int64
}

func (s *seekBuffer) Seek(offset int64, whence int) (int64, error) {
	if s.at = offset; whence == io.SeekEnd {
		s.at = int64(len(s.b)) + offset
	}
	return s.at, nil
}

func (s *seekBuffer) Write(p []byte) (int, error) {
	if end := s.at + int64(len(p)); end > int64(len(s.b)) {
		s.b = append(s.b, make([]byte, end-int64(len(s.b)))...)
	}
	copy(s.b[s.at:], p)
	s.at += int64(len(p))
	return len(p), nil
}

// Who looks while lists are switched sees one version of each, whole: here each version has its number as all its dates.
func TestViewsAreOfOneVersion(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "lists"))
	const carriers, versions = 400, 12
	var files []string
	for version := range versions {
		var rows []lists.Row
		for i := range carriers {
			rows = append(rows, lists.Carrier{Code: fmt.Sprint(1000 + i), Status: lists.Active, Valid: lists.Period{To: day(version + 1)}}.Row())
		}
		path, _ := listFile(t, lists.Carriers, int64(version+1), rows)
		files = append(files, path)
	}
	check(t, install(t, s, files[0]))
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for running := true; running; {
				select {
				case <-done:
					running = false
				default:
				}
				err := s.View(func(l clearance.Lists) error {
					number := l.Versions()[0].Number
					for _, code := range []string{"1000", "1200", "1399"} {
						c, found, err := l.Carrier(code)
						if err != nil || !found || !c.Valid.To.Equal(day(int(number))) {
							return fmt.Errorf("version %d has %v of %s: %t, %w", number, c.Valid.To, code, found, err)
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i, path := range files[1:] {
		if i%2 == 0 {
			path = deltaFile(t, files[i], path)
		}
		check(t, install(t, s, path))
	}
	close(done)
	readers.Wait()
}

// A damaged file is noticed when it is opened, wherever it is damaged, and set aside; without one the list is not there.
func TestDamagedFileIsSetAside(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lists")
	s := openStore(t, dir)
	path, _ := listFile(t, lists.Drivers, 1, drivers(3000, 0))
	check(t, install(t, s, path))
	check(t, s.Close())
	file := s.path(lists.Drivers, 1)
	whole, err := os.ReadFile(file)
	check(t, err)
	rng := rand.New(rand.NewPCG(5, 6))
	for range 40 {
		changed := bytes.Clone(whole)
		place := rng.IntN(len(whole))
		if changed[place] == 0 { // a page's empty middle, which nobody reads
			continue
		}
		changed[place] ^= 0x55
		check(t, os.WriteFile(file, changed, 0o600))
		again, err := Open(dir)
		check(t, err)
		if len(again.Problems()) == 0 {
			check(t, err)
			if got := content(t, again, lists.Drivers); len(got) != 3000 {
				t.Errorf("byte %d: damage is not noticed", place)
			}
		} else if !message.Of(again.Problems()[0]).Is("lists.set-aside") || len(again.Versions()) > 0 {
			t.Errorf("byte %d: %v", place, again.Problems())
		}
		check(t, again.Close())
		check(t, removeAll(file))
	}
	again := openStore(t, dir)
	check(t, install(t, again, path)) // the same version may come again
}

// After a damaged newer file the one before is in force, where it is still there.
func TestFallsBackToTheVersionBefore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lists")
	s := openStore(t, dir)
	path, _ := listFile(t, lists.Drivers, 1, drivers(30, 0))
	check(t, install(t, s, path))
	check(t, s.Close())
	check(t, os.WriteFile(s.path(lists.Drivers, 2), []byte("SQLite format 3\x00 and no more"), 0o600))
	again := openStore(t, dir)
	if v := again.Versions(); len(v) != 1 || v[0].Number != 1 || len(again.Problems()) != 1 {
		t.Errorf("%+v, %v", v, again.Problems())
	}
}

// Keys of all forms are packed and unpacked.
func TestPackKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.OneOf(rapid.StringMatching(`[0-9]{0,20}[\x00A-Z0-9-]{0,12}`), rapid.StringMatching(`[a-zé/]{1,9}`)).Draw(t, "key")
		if got := unpackKey(packKey([]byte(key))); string(got) != key {
			t.Fatalf("%q comes back as %q", key, got)
		}
	})
}
