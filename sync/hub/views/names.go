package views

import (
	"cmp"
	"database/sql/driver"
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/identifier"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/personal"
)

// Names of passages are looked for by keyed hashes, so that a table of them names nobody. Two passages with the hash
// of a name may have others that look alike, or had it until it was erased: what is found is held against its
// document.

// nameSchema is the table of names. It is kept by day, so that new names are written beside each other; among those of
// all days each would have a page of its own. A name is looked for in one day after the other.
const nameSchema = `
CREATE TABLE IF NOT EXISTS view_name(
	day  BIGINT NOT NULL,          -- in which the passage opened, since 1970, UTC
	hash BIGINT NOT NULL,          -- keyed, of kind and name
	no   BIGINT NOT NULL,          -- view_passage.no
	PRIMARY KEY(day, hash, no)
) CLUSTERED;`

// dayOf returns the day of a time, both since 1970, UTC.
func dayOf(timeNs int64) int64 { return floorDiv(timeNs, 24*int64(time.Hour)) }

// nameKey is a row of the table.
type nameKey struct{ day, hash, no int64 }

// writeNames brings the hashes of passages up to date.
func (f *passageFolding) writeNames(all []*passage) error {
	var added []nameKey
	for _, p := range all {
		if dayOf(p.opened) == dayOf(p.had.opened) && slices.Equal(p.names, p.had.names) {
			continue
		}
		for _, h := range p.had.names {
			if err := f.Exec("DELETE FROM view_name WHERE day=? AND hash=? AND no=?", dayOf(p.had.opened), h, p.no); err != nil {
				return err
			}
		}
		for _, h := range p.names {
			added = append(added, nameKey{dayOf(p.opened), h, p.no})
		}
	}
	slices.SortFunc(added, func(a, b nameKey) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.hash, b.hash), cmp.Compare(a.no, b.no))
	})
	var rows [][]driver.Value
	for _, n := range added {
		rows = append(rows, []driver.Value{n.day, n.hash, n.no})
	}
	return f.AddAll("view_name", "day, hash, no", rows)
}

// nameKinds are what passages are looked for by.
var nameKinds = []string{observation.PlateName, observation.ContainerName, observation.TagName, observation.CodeName}

// comparedName returns a name as it is compared: without blanks and dashes, in upper case; of a plate, characters
// that look alike are one.
func comparedName(kind, name string) string {
	if kind == observation.PlateName {
		return identifier.PlateSkeleton(identifier.NormalPlate(name))
	}
	return strings.Map(func(c rune) rune {
		if c == ' ' || c == '-' || c == '.' {
			return -1
		}
		return c
	}, strings.ToUpper(name))
}

// hashOf returns what stands for a name in the table; 0 for none.
func hashOf(s *personal.Sealer, kind, name string) int64 {
	name = comparedName(kind, name)
	if name == "" {
		return 0
	}
	return s.NameHash(kind + " " + name)
}

// namesIn returns the names in a document, by kind.
func namesIn(d *observation.PassageClosed) map[string][]string {
	out := map[string][]string{
		observation.TagName: d.Tags, observation.ContainerName: d.Containers, observation.CodeName: d.Codes,
	}
	if d.Plate != "" {
		out[observation.PlateName] = []string{d.Plate}
	}
	return out
}

// hashesOf returns the hashes of all names in a document, in order, once each.
func hashesOf(s *personal.Sealer, d *observation.PassageClosed) (out []int64) {
	for kind, all := range namesIn(d) {
		for _, name := range all {
			if h := hashOf(s, kind, name); h != 0 {
				out = append(out, h)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// isNamed reports whether a document has a name.
func isNamed(d *observation.PassageClosed, kind, name string) bool {
	name = comparedName(kind, name)
	return slices.ContainsFunc(namesIn(d)[kind], func(has string) bool { return comparedName(kind, has) == name })
}
