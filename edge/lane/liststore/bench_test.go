package liststore

import (
	"context"
	"database/sql/driver"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"lanewarden/edge/evidence/sqlog"
	"lanewarden/edge/lane/clearance"
	"lanewarden/firmware-config/lists"
)

// entries is the size of the benchmarked lists.
var entries = flag.Int("entries", 5_000_000, "how many rows the lists of BenchmarkLookup have")

// randomDriver is driver number i: numbers of 10 digits that do not follow each other, chips with random EPCs.
func randomDriver(i int, issue uint64) lists.Driver {
	rng := rand.New(rand.NewPCG(uint64(i), issue))
	d := lists.Driver{Program: []string{"CDRP", "FAST", "NEXUS"}[rng.IntN(3)], Number: driverNumber(i), Status: lists.Active,
		Valid: lists.Period{From: day(rng.IntN(2000)), To: day(2500 + rng.IntN(1800))}}
	for range 12 {
		d.EPC = append(d.EPC, byte(rng.Uint32()))
	}
	if rng.IntN(20) == 0 {
		d.Status = lists.Suspended
	}
	for range rng.IntN(3) {
		d.Carriers = append(d.Carriers, strconv.Itoa(7000+rng.IntN(900)))
	}
	return d
}

func driverNumber(i int) string { return fmt.Sprintf("%010d", 1_000_000_000+i*1699+i*i%1000) }

func day(n int) time.Time { return time.Unix(int64(18000+n)*86400, 0).UTC() }

// randomTarget is target number i, by container; one in 1000 is the beginning of a number.
func randomTarget(i int, issue uint64) lists.Target {
	rng := rand.New(rand.NewPCG(uint64(i), issue))
	t := lists.Target{Type: lists.TargetContainer, Key: container(i), Exams: []string{"IMG"}, Priority: 1 + rng.IntN(5),
		Valid: lists.Period{From: day(2000 + rng.IntN(300)), To: day(2500 + rng.IntN(300))}, Issuer: "NTC",
		ReasonCode: fmt.Sprintf("R%02d", rng.IntN(40)), Releasability: "CBSA"}
	return t
}

func container(i int) string {
	n := i * 191
	return fmt.Sprintf("%c%cCU%07d", 'A'+n/260_000_000%26, 'A'+n/10_000_000%26, n%10_000_000)
}

func randomShipment(i int, issue uint64) lists.Shipment {
	rng := rand.New(rand.NewPCG(uint64(i), issue))
	return lists.Shipment{CCN: fmt.Sprintf("%04dPARS%08d", 7000+i/40_000, i%40_000*2003+rng.IntN(2000)), CRN: fmt.Sprintf("%04dT%08d", 7000+i/40_000, i/2),
		Carrier: fmt.Sprintf("%04d", 7000+i/40_000), Importer: fmt.Sprintf("%09dRM0001", 100_000_000+rng.IntN(90_000)*9973),
		DeclaredWeightKg: float64(200 + rng.IntN(24_000)), Pieces: 1 + rng.IntN(60), HS: []string{strconv.Itoa(100_000 + rng.IntN(899_999))},
		Goods: []string{"auto parts", "ceramic tiles", "paper rolls", "frozen food"}[rng.IntN(4)], Arrival: lists.Period{From: day(2500).Add(time.Duration(rng.IntN(1440)) * time.Minute)}}
}

// fullFile writes rows 0 to n as a full file; the rows that f returns must come in the order of their keys.
func fullFile(t testing.TB, path string, kind lists.Kind, version int64, n int, f func(i int) lists.Row) lists.Version {
	t.Helper()
	file, err := os.Create(path)
	check(t, err)
	defer file.Close()
	w, err := lists.NewWriter(file)
	check(t, err)
	var sum lists.Sum
	for i := range n {
		r := f(i)
		sum.Add(r)
		check(t, w.Put(r))
	}
	v := lists.Version{Kind: kind, Number: version, Rows: int64(n), Issued: day(3000), SHA256: sum.Name(kind, int64(n))}
	check(t, w.Close(lists.Header{Version: v}))
	return v
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func install(t testing.TB, s *Store, path string) error {
	t.Helper()
	f, err := os.Open(path)
	check(t, err)
	defer f.Close()
	_, err = s.Install(context.Background(), f)
	return err
}

// residentMB is the process's memory, with the pages of files that it maps.
func residentMB(t testing.TB) float64 {
	t.Helper()
	runtime.GC()
	text, err := os.ReadFile("/proc/self/status")
	check(t, err)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.Atoi(strings.Fields(rest)[0])
			check(t, err)
			return float64(kb) / 1024
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

// A look in lists of 5 million entries, against one bare prepared SELECT by rowid of the same file in the same run; what
// the lists cost on the disk and in memory; and a delta of 1,000 changes.
func BenchmarkLookup(b *testing.B) {
	b.Run("drivers", func(b *testing.B) {
		benchmarkList(b, lists.Drivers, func(i int, issue uint64) lists.Row { return randomDriver(i, issue).Row() },
			map[string]func(int) look{
				"number": func(i int) look {
					number := driverNumber(i)
					return func(l clearance.Lists) (int, error) { return many(l.DriversByNumber(number)) }
				},
				"card": func(i int) look {
					epc := randomDriver(i, 1).EPC
					return func(l clearance.Lists) (int, error) { return many(l.DriversByCard(epc)) }
				},
			})
	})
	b.Run("targets", func(b *testing.B) {
		benchmarkList(b, lists.Targets, func(i int, issue uint64) lists.Row { return randomTarget(i, issue).Row() },
			map[string]func(int) look{
				"container": func(i int) look {
					number := container(i)
					return func(l clearance.Lists) (int, error) { return many(l.Targets(lists.TargetContainer, number)) }
				},
			})
	})
	b.Run("manifest", func(b *testing.B) {
		benchmarkList(b, lists.Manifest, func(i int, issue uint64) lists.Row { return randomShipment(i, issue).Row() },
			map[string]func(int) look{
				"ccn": func(i int) look {
					ccn := randomShipment(i, 1).CCN
					return func(l clearance.Lists) (int, error) {
						_, found, err := l.Shipment(ccn)
						if found {
							return 1, err
						}
						return 0, err
					}
				},
				"trip": func(i int) look {
					crn := randomShipment(i, 1).CRN
					return func(l clearance.Lists) (int, error) { return many(l.ShipmentsOfTrip(crn)) }
				},
			})
	})
}

// look is one look in the lists, which returns how many rows it found.
type look func(clearance.Lists) (int, error)

func many[T any](all []T, err error) (int, error) { return len(all), err }

func benchmarkList(b *testing.B, kind lists.Kind, row func(i int, issue uint64) lists.Row,
	looks map[string]func(i int) look) {
	dir := b.TempDir()
	full := filepath.Join(dir, "full")
	v := fullFile(b, full, kind, 1, *entries, func(i int) lists.Row { return row(i, 1) })
	before := residentMB(b)
	store, err := Open(filepath.Join(dir, "lists"))
	check(b, err)
	defer store.Close()
	begun := time.Now()
	check(b, install(b, store, full))
	b.Logf("%s: %d rows, full file %.1f MB, installed in %.1f s, on disk %.1f MB", kind, *entries, fileMB(b, full),
		time.Since(begun).Seconds(), dirMB(b, store.dir))
	check(b, store.Close())
	begun = time.Now()
	store, err = Open(store.dir)
	check(b, err)
	defer store.Close()
	b.Logf("%s: opened and verified in %.2f s", kind, time.Since(begun).Seconds())
	bare := barelySelect(b, store.path(kind, 1))
	for name, lookFor := range looks {
		b.Run(name, func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 2))
			var some []look
			for range 20_000 {
				some = append(some, lookFor(rng.IntN(*entries)))
			}
			begun, n := time.Now(), 0
			for b.Loop() {
				n++
				check(b, store.View(func(l clearance.Lists) error {
					found, err := some[n%len(some)](l)
					if found == 0 && err == nil {
						err = fmt.Errorf("not found")
					}
					return err
				}))
			}
			each := time.Since(begun) / time.Duration(n)
			b.ReportMetric(float64(each)/float64(bare), "x-bare-select")
		})
	}
	b.Logf("%s: memory grew by %.1f MB", kind, residentMB(b)-before)
	path := filepath.Join(dir, "delta")
	changed := deltaOf(b, path, v, row)
	begun = time.Now()
	check(b, install(b, store, path))
	b.Logf("%s: delta of %d changes, %.1f kB, applied in %.0f ms", kind, changed, fileMB(b, path)*1e3,
		time.Since(begun).Seconds()*1e3)
}

// barelySelect is how long one prepared SELECT of a block by its rowid takes.
func barelySelect(b *testing.B, path string) time.Duration {
	db, err := sqlog.Open(path, sqlog.ReadOnly)
	check(b, err)
	defer db.Close()
	most, err := db.Int("SELECT max(id) FROM block", 0)
	check(b, err)
	const looks = 100_000
	rng := rand.New(rand.NewPCG(3, 4))
	check(b, db.Script("BEGIN"))
	begun := time.Now()
	for range looks {
		check(b, db.Query("SELECT data FROM block WHERE id = ?", func([]driver.Value) error { return nil }, 1+rng.Int64N(most)))
	}
	each := time.Since(begun) / looks
	b.Logf("one bare SELECT by rowid: %v", each)
	return each
}

// deltaOf writes a delta of 1,000 changes, rows changed and removed all over the list, and added.
func deltaOf(b *testing.B, path string, base lists.Version, row func(i int, issue uint64) lists.Row) (changes int64) {
	b.Helper()
	f, err := os.Create(path)
	check(b, err)
	defer f.Close()
	w, err := lists.NewWriter(f)
	check(b, err)
	var sum lists.Sum
	rows := base.Rows
	for i := range *entries {
		r := row(i, 1)
		if i%(*entries/700) != 0 {
			sum.Add(r)
			continue
		}
		if changes++; changes%2 == 0 {
			check(b, w.Remove(r.Key))
			rows--
			continue
		}
		r.Value = row(i, 2).Value
		sum.Add(r)
		check(b, w.Put(r))
	}
	for i := range 300 {
		r := row(*entries+i, 1)
		changes++
		rows++
		sum.Add(r)
		check(b, w.Put(r))
	}
	v := base
	v.Number, v.Rows, v.SHA256 = base.Number+1, rows, sum.Name(base.Kind, rows)
	check(b, w.Close(lists.Header{Version: v, Base: &base, Changes: changes}))
	return changes
}

func fileMB(t testing.TB, path string) float64 {
	info, err := os.Stat(path)
	check(t, err)
	return float64(info.Size()) / 1e6
}

func dirMB(t testing.TB, dir string) float64 {
	n, err := sqlog.BytesBelow(dir)
	check(t, err)
	return float64(n) / 1e6
}
