// Command mutation tries the tests: it makes small changes in the code, one at a time and outside the tree, and
// prints those that no test of the package notices. Places are patterns of packages, of which files can be chosen, and
// tests as with go test -run:
//
//	mutation -seed 1 -n 40 ./edge/accounts ./sync/uplink:window.go:'Window|Probe'
package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

func main() {
	seed := flag.Uint64("seed", 1, "which mutants are drawn")
	n := flag.Int("n", 40, "mutants of each package; all when it has no more")
	workers := flag.Int("workers", 2, "mutants that are tried at a time")
	flag.Parse()
	fmt.Printf("seed %d\n", *seed)
	var table []tally
	var err error
	for _, place := range flag.Args() {
		var some []tally
		some, err = (&run{*seed, *n, *workers}).place(place)
		if table = append(table, some...); err != nil {
			break
		}
	}
	fmt.Printf("\n%-48s %7s %7s %9s %6s\n", "place", "mutants", "killed", "survived", "%")
	for _, t := range table {
		all := t.killed + t.survived
		share := 100 * float64(t.killed) / float64(max(all, 1))
		fmt.Printf("%-48s %7d %7d %9d %6.1f\n", t.place, all, t.killed, t.survived, share)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutation:", err)
		os.Exit(1)
	}
}

// run is one call of the program.
type run struct {
	seed       uint64
	n, workers int
}

// tally is a package's line of the table. A mutant that is equivalent to the code survives, too: a person decides.
type tally struct {
	place            string
	killed, survived int
}

// place tries the packages of PATTERN, PATTERN:FILE,FILE or PATTERN:FILE,FILE:TESTS.
func (r *run) place(place string) (out []tally, err error) {
	pattern, files, _ := strings.Cut(place, ":")
	files, tests, _ := strings.Cut(files, ":")
	all, err := packages(pattern)
	for _, p := range all {
		if p.run = tests; files != "" {
			p.GoFiles = strings.Split(files, ",")
		}
		t, err := r.pkg(p)
		if out = append(out, t); err != nil {
			return out, err
		}
	}
	return out, err
}

// pkg draws mutants of a package until n of them compile, tries them, and prints those that survive.
func (r *run) pkg(p *pkg) (t tally, err error) {
	t.place = p.ImportPath
	var all []*mutant
	for _, f := range p.GoFiles {
		found, err := mutants(filepath.Join(p.Dir, f))
		if err != nil {
			return t, err
		}
		all = append(all, found...)
	}
	rand.New(rand.NewPCG(r.seed, 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for i, m := range all {
		m.id = i + 1
	}
	fmt.Printf("%s: %d possible mutants\n", p.ImportPath, len(all))
	for len(all) > 0 && t.killed+t.survived < r.n {
		some := all[:min(len(all), 2*(r.n-t.killed-t.survived))] // many do not compile
		if err := r.tryAll(&t, p, some); err != nil {
			return t, err
		}
		all = all[len(some):]
	}
	fmt.Fprintln(os.Stderr)
	return t, nil
}

// tryAll tries some mutants, until there are enough.
func (r *run) tryAll(t *tally, p *pkg, some []*mutant) error {
	dir, err := os.MkdirTemp("", "mutation")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tests := filepath.Join(dir, "tests")
	copies, err := p.build(dir, tests, some)
	if err != nil {
		return err
	}
	if err := p.measure(tests, dir); err != nil {
		return err
	}
	some = slices.DeleteFunc(some, func(m *mutant) bool { return m.in != nil && !copies[m] })
	for len(some) > 0 && t.killed+t.survived < r.n {
		n := min(r.workers, len(some), r.n-t.killed-t.survived)
		out, errs := make([]outcome, n), make([]error, n)
		var wait sync.WaitGroup
		for i, m := range some[:n] {
			wait.Go(func() { out[i], errs[i] = p.try(m, tests) })
		}
		wait.Wait()
		for i, o := range out {
			t.count(some[i], o)
		}
		if err := errors.Join(errs...); err != nil {
			return err
		}
		some = some[n:]
		fmt.Fprintf(os.Stderr, "\r%d killed, %d survived ", t.killed, t.survived)
	}
	return nil
}

// count notes what became of a mutant that compiles, and prints one that survived.
func (t *tally) count(m *mutant, o outcome) {
	switch o {
	case killed:
		t.killed++
	case survived:
		t.survived++
		fmt.Printf("  %s:%d: %s\n    in: %s\n", filepath.Base(m.file), m.line, m.what, m.sourceLine())
	}
}
