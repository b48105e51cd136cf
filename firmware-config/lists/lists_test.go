package lists

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lanewarden/drivers/message"
)

var someDay = time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)

// examples are a full row and an empty one of each list.
var examples = map[Kind][]interface{ Row() Row }{
	Drivers: {
		Driver{Program: "FAST", Number: "F1234567", EPC: []byte{0x30, 8, 1, 2}, TID: []byte{0xe2, 0, 3, 4},
			Valid: Period{someDay, someDay.Add(time.Hour)}, Status: Revoked, Carriers: []string{"77-1", "XCRS"}},
		Driver{Program: "CDRP", Number: "1234", Status: Active},
	},
	Carriers: {
		Carrier{Code: "XCRS", SCAC: "ABCD", Name: "Transport Étoile", Programs: []string{"CSA", "PIP"}, Bonded: true,
			Status: Suspended, Valid: Period{To: someDay}},
		Carrier{Code: "0123", Status: Active},
	},
	Importers: {Importer{BN15: "123456782RM0001", Name: "A & B", Programs: []string{"CSA"}, Status: Active, Valid: Period{To: someDay}}},
	Pairs:     {Pair{Carrier: "XCRS", Importer: "123456782RM0001", Valid: Period{To: someDay}}},
	Targets: {
		Target{Type: TargetPlate, Key: "QC123", Prefix: true, Exams: []string{"IMG", "K9"}, Priority: 2, Valid: Period{someDay, someDay},
			ReasonCode: "R1", Releasability: "CBSA", Issuer: "NTC"},
		Target{Type: TargetHS, Key: "6907", Priority: 1, ReasonCode: "R1", Issuer: "NTC"},
	},
	Manifest: {Shipment{CCN: "8080PARS1", CRN: "8080TRIP0001", Carrier: "8080", Importer: "123456782RM0001", DeclaredWeightKg: 18400.25,
		Pieces: 12, HS: []string{"6907", "680221"}, Goods: "tuiles", Arrival: Period{someDay, someDay.Add(time.Minute)}}},
	InTransit: {Transit{Container: "CSQU3054383", Seals: []string{"AB1234", "CD5678"}, InBondOrCCN: "123456782", EntrySite: "YQB",
		ExitSite: "YMX", LeftAt: someDay, DueAt: someDay.Add(time.Hour), WeightKg: 24050, ToleranceKg: 250.5, RequiredExam: "SEAL"}},
	Rates: {Rate{Site: "*", Lane: "*", Class: "csa", Share: 0.000001}, Rate{Site: "a", Lane: "1", Class: "*", Share: 1}},
}

// A row of each list is read back as it was, and is taken as canonical.
func TestRowsComeBack(t *testing.T) {
	decode := map[Kind]func(Row) (any, error){
		Drivers:   func(r Row) (any, error) { return DecodeDriver(r) },
		Carriers:  func(r Row) (any, error) { return DecodeCarrier(r) },
		Importers: func(r Row) (any, error) { return DecodeImporter(r) },
		Pairs:     func(r Row) (any, error) { return DecodePair(r) },
		Targets:   func(r Row) (any, error) { return DecodeTarget(r) },
		Manifest:  func(r Row) (any, error) { return DecodeShipment(r) },
		InTransit: func(r Row) (any, error) { return DecodeTransit(r) },
		Rates:     func(r Row) (any, error) { return DecodeRate(r) },
	}
	for _, kind := range Kinds() {
		for _, row := range examples[kind] {
			got, err := decode[kind](row.Row())
			if err != nil || !reflect.DeepEqual(got, row) {
				t.Errorf("%s: got %+v, %v; want %+v", kind, got, err, row)
			}
			if err := CheckRow(kind, row.Row()); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
		}
	}
}

// Fields that have a short form come back as they were when they have it, nearly have it, or do not.
func TestShortForms(t *testing.T) {
	codes := rapid.OneOf(rapid.StringMatching(`[A-Z]{0,7}[0-9]{0,21}`), rapid.StringMatching(`[0-9]{4}[A-Z]{1,5}[0-9]{1,9}`),
		rapid.StringMatching(`[0-9]{9}R[MCT][0-9]{4}[0-9+]?`), rapid.String())
	times := rapid.Custom(func(t *rapid.T) time.Time {
		unit := rapid.SampledFrom([]int64{1, minuteSeconds, daySeconds}).Draw(t, "unit")
		n := rapid.Int64Range(-1, maxSpan/unit).Draw(t, "n")
		if n < 0 {
			return time.Time{}
		}
		return time.Unix(n*unit, 0).UTC()
	})
	rapid.Check(t, func(t *rapid.T) {
		var s []string
		for range 6 {
			s = append(s, codes.Draw(t, "code"))
		}
		ccn := codes.Draw(t, "ccn")
		want := Shipment{CCN: ccn, CRN: ccn[:len(ccn)/2] + s[1], Carrier: s[2], Importer: s[3], HS: s[4:],
			DeclaredWeightKg: float64(rapid.Int64Range(0, 50_000_000_000).Draw(t, "grams")) / 1000,
			Arrival:          Period{times.Draw(t, "from"), times.Draw(t, "to")}}
		got, err := DecodeShipment(want.Row())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v; want %+v", got, err, want)
		}
	})
}

// Bytes that no row of a list has are refused: cut off, with something behind, or written in another way.
func TestCheckRowRefuses(t *testing.T) {
	for _, kind := range Kinds() {
		r := examples[kind][0].Row()
		for n := range r.Value {
			if err := CheckRow(kind, Row{r.Key, r.Value[:n]}); err == nil {
				t.Errorf("%s: %d bytes of %d are taken", kind, n, len(r.Value))
			}
		}
		if err := CheckRow(kind, Row{r.Key, append(slices.Clone(r.Value), 0)}); err == nil {
			t.Errorf("%s: a byte more is taken", kind)
		}
		if err := CheckRow(kind, Row{append(slices.Clone(r.Key), 0, 'x'), r.Value}); err == nil {
			t.Logf("%s: a longer key is another row's", kind)
		}
	}
	if err := CheckRow("nonsense", Row{[]byte("a"), nil}); err == nil {
		t.Error("a list that there is not is taken")
	}
}

// The targets of one key stand together, and no key of another begins as theirs.
func TestTargetKeys(t *testing.T) {
	exact := Target{Type: TargetPlate, Key: "AB12", Issuer: "x", ReasonCode: "1"}.Row().Key
	longer := Target{Type: TargetPlate, Key: "AB123", Issuer: "x", ReasonCode: "1"}.Row().Key
	prefix := Target{Type: TargetPlate, Key: "AB12", Prefix: true, Issuer: "x", ReasonCode: "1"}.Row().Key
	head := TargetKey(TargetPlate, "AB12", false)
	if !bytes.HasPrefix(exact, head) || bytes.HasPrefix(longer, head) || bytes.HasPrefix(prefix, head) {
		t.Errorf("%q: %q %q %q", head, exact, longer, prefix)
	}
	if !bytes.HasPrefix(prefix, TargetKey(TargetPlate, "AB12", true)) {
		t.Errorf("%q", prefix)
	}
}

// A Sum depends on the rows that are in it, not on the way there.
func TestSumFollowsChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) Row {
			return Row{rapid.SliceOfN(rapid.Byte(), 1, 8).Draw(t, "key"), rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "value")}
		}), 2, 6, func(r Row) string { return string(r.Key) }).Draw(t, "rows")
		var all, some Sum
		for _, r := range rows {
			all.Add(r)
			some.Add(r)
		}
		some.Remove(rows[0])
		if some == all {
			t.Fatal("removing a row changed nothing")
		}
		var direct Sum
		for _, r := range slices.Backward(rows[1:]) {
			direct.Add(r)
		}
		if direct != some {
			t.Fatal("the sum depends on the way to it")
		}
		back, ok := SumOf(some.Bytes())
		if !ok || back != some {
			t.Fatal("bytes do not come back")
		}
		if some.Name(Drivers, 1) == some.Name(Drivers, 2) || some.Name(Drivers, 1) == some.Name(Pairs, 1) {
			t.Fatal("names of different lists are equal")
		}
	})
}

// Key and value cannot be taken for each other.
func TestSumTellsKeyFromValue(t *testing.T) {
	var a, b Sum
	a.Add(Row{[]byte("ab"), []byte("c")})
	b.Add(Row{[]byte("a"), []byte("bc")})
	if a == b {
		t.Error("equal")
	}
}

// pair writes a full file of pairs: those whose number keep takes.
func pairFile(t testing.TB, number int64, rows []Row) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "list"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	w, err := NewWriter(f)
	if err != nil {
		t.Fatal(err)
	}
	var sum Sum
	for _, r := range rows {
		sum.Add(r)
		if err := w.Put(r); err != nil {
			t.Fatal(err)
		}
	}
	v := Version{Kind: Pairs, Number: number, Rows: int64(len(rows)), Issued: someDay, SHA256: sum.Name(Pairs, int64(len(rows)))}
	if err := w.Close(Header{Version: v}); err != nil {
		t.Fatal(err)
	}
	return f
}

// pairRows returns n rows, some of which differ by issue.
func pairRows(n int, issue uint64) (rows []Row) {
	rng := rand.New(rand.NewPCG(1, issue))
	for i := range n {
		if issue > 0 && rng.IntN(10) == 0 {
			continue
		}
		p := Pair{Carrier: strconv.Itoa(1000 + i/10), Importer: strconv.Itoa(100_000_000+i%10) + "RM0001", Valid: Period{To: someDay}}
		if issue > 0 && rng.IntN(10) == 0 {
			p.Valid.To = p.Valid.To.Add(time.Hour)
		}
		rows = append(rows, p.Row())
	}
	return rows
}

// open returns a reader of a file from its beginning.
func open(t testing.TB, f io.ReadSeeker) *Reader {
	t.Helper()
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// all reads a file to its end.
func all(r *Reader) (changes []Change, err error) {
	for {
		c, err := r.Next()
		if errors.Is(err, io.EOF) {
			return changes, nil
		}
		if err != nil {
			return changes, err
		}
		changes = append(changes, Change{Row{bytes.Clone(c.Key), bytes.Clone(c.Value)}, c.Removed})
	}
}

// A delta applied to the version before is the version after.
func TestDeltaLeadsFromOneToTheOther(t *testing.T) {
	for issue := range uint64(5) {
		from, to := pairRows(500, issue), pairRows(520, issue+1)
		a, b := pairFile(t, 1, from), pairFile(t, 2, to)
		out, err := os.Create(filepath.Join(t.TempDir(), "delta"))
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		if err := WriteDelta(out, open(t, a), open(t, b)); err != nil {
			t.Fatal(err)
		}
		r := open(t, out)
		if r.Header.Base == nil || r.Header.Base.Number != 1 || r.Header.Number != 2 {
			t.Fatalf("header %+v", r.Header)
		}
		changes, err := all(r)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, row := range from {
			got[string(row.Key)] = string(row.Value)
		}
		for _, c := range changes {
			if got[string(c.Key)] = string(c.Value); c.Removed {
				delete(got, string(c.Key))
			}
		}
		want := map[string]string{}
		for _, row := range to {
			want[string(row.Key)] = string(row.Value)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("issue %d: %d rows, want %d", issue, len(got), len(want))
		}
	}
}

// A file that is cut off anywhere, has a bit changed anywhere, or goes on behind its end, is refused.
func TestDamagedFilesAreRefused(t *testing.T) {
	f := pairFile(t, 1, pairRows(300, 0))
	whole, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	want, err := all(open(t, f))
	if err != nil {
		t.Fatal(err)
	}
	read := func(b []byte) error {
		r, err := NewReader(bytes.NewReader(b))
		if err != nil {
			return err
		}
		defer r.Close()
		rows, err := all(r)
		if err == nil && !reflect.DeepEqual(rows, want) {
			t.Error("other rows")
		}
		return err
	}
	if err := read(whole); err != nil {
		t.Fatal(err)
	}
	const unused = headerSize + 4 // of zstd's frame header, one bit means nothing (RFC 8878, 3.1.1.1.1.4)
	for n := range whole {
		if err := read(whole[:n]); err == nil {
			t.Errorf("%d of %d bytes are taken", n, len(whole))
		}
		changed := slices.Clone(whole)
		changed[n] ^= 1 << (n % 8)
		if err := read(changed); err == nil && n != unused {
			t.Errorf("a changed bit of byte %d is taken", n)
		}
	}
	if err := read(append(slices.Clone(whole), "more"...)); err == nil {
		t.Error("a file that goes on is taken")
	}
}

// Headers with numbers that would cost memory or time are refused at once, with the reason.
func TestHeaderBounds(t *testing.T) {
	whole, err := os.ReadFile(pairFile(t, 1, pairRows(3, 0)).Name())
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(h *Header){
		"lists.too-many-rows":    func(h *Header) { h.Rows = MaxRows + 1 },
		"lists.too-many-changes": func(h *Header) { h.Changes = MaxChanges + 1; h.Base = &Version{} },
		"lists.backwards":        func(h *Header) { h.Base = &Version{Number: 1} },
		"lists.no-kind":          func(h *Header) { h.Kind = "nonsense" },
		"lists.goes-on":          func(h *Header) { h.Rows = 2 },
		"lists.damaged":          func(h *Header) { h.Rows = 4 },
	} {
		h, err := decodeHeader(whole[:headerSize])
		if err != nil {
			t.Fatal(err)
		}
		change(&h)
		r, err := NewReader(bytes.NewReader(append(h.encode(), whole[headerSize:]...)))
		if err == nil {
			_, err = all(r)
		}
		if !message.Of(err).Is(name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Files of two lists have no delta.
func TestDeltaOfOtherKind(t *testing.T) {
	f := pairFile(t, 1, pairRows(3, 0))
	other := open(t, f)
	a := open(t, pairFile(t, 2, pairRows(3, 0)))
	other.Header.Kind = Carriers
	if err := WriteDelta(f, other, a); !message.Of(err).Is("lists.other-kind") {
		t.Error(err)
	}
}

func FuzzReader(f *testing.F) {
	whole, err := os.ReadFile(pairFile(f, 1, pairRows(20, 0)).Name())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= headerSize { // its checksum would stop nearly all
			b = slices.Clone(b)
			binary.BigEndian.PutUint32(b[headerSize-4:], crc32.Checksum(b[:headerSize-4], castagnoli))
		}
		r, err := NewReader(bytes.NewReader(b))
		if err != nil {
			return
		}
		defer r.Close()
		changes, err := all(r)
		if err == nil && int64(len(changes)) != r.Header.records() {
			t.Errorf("%d records, header %+v", len(changes), r.Header)
		}
	})
}
