package plate

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"lanewarden/drivers/identifier"
	"lanewarden/drivers/message"
)

// The plain words of makes that have no table: looked for at any depth. Each element of a list that has a plate is a
// read; what a reader tells of other vehicles (lists, owners, earlier reads) is none.

// plateNames are the fields of plates, the surest first.
var plateNames = []string{"plateNumber", "plate_number", "licensePlateNumber", "license_plate_number",
	"licensePlate", "license_plate", "licencePlate", "licence_plate",
	"plate_string", "plateText", "plate_text", "plateNo", "plate_no", "registrationNumber", "registration_number",
	"registrationMark", "vrm", "vrn", "lpn", "lp_number", "registration", "plate"}

// isWeak reports whether a field's name is used for other things too, so that its value must look like a plate.
func isWeak(name string, depth int) bool {
	return strings.EqualFold(name, "registration") || strings.EqualFold(name, "plate") && depth > 1
}

// others are the names of what is told of other vehicles, or of other readings of this one.
var others = regexp.MustCompile(`(?i)^(?:.*(?:white|black|allow|deny|hot|watch|block)_?lists?(?:[_A-Z].*)?|` +
	`.*previous.*|prev(?:[_A-Z].*)?|.*owner.*|.*history.*|last(?:[_A-Z].*)?|before|old|expected.*|booking.*|reservation.*|` +
	`.*candidates?|.*alternatives?|.*hypothes[ei]s)$`)

// hit is a field that has a plate's name, with its place.
type hit struct {
	n       *node
	rank    int     // of its name in plateNames, 0 being the surest
	parents []*node // from the root to the element that has the field
	record  *node   // the read that it belongs to
	err     error   // why it is none
}

// genericReads returns the reads of a payload of plain words. What an element of a list has in a plate's place, and is
// no plate, is a warning when others have plates.
func genericReads(root *node) (out []*node, warnings []message.Message, err error) {
	hits, refused := genericHits(root)
	if len(hits) == 0 {
		if len(refused) > 0 {
			err = refused[0].err
		}
		return nil, nil, err
	}
	byRecord, order := map[*node][]hit{}, []*node{}
	holds := map[*node]bool{}
	for _, h := range hits {
		if byRecord[h.record] == nil {
			order = append(order, h.record)
		}
		byRecord[h.record] = append(byRecord[h.record], h)
		for _, p := range h.parents {
			holds[p] = true
		}
	}
	if len(order) > maxReads {
		return nil, nil, message.Errorf("plate.too-many", message.Count("n", len(order)),
			message.Int("most", maxReads))
	}
	for _, record := range order {
		h, err := surest(byRecord[record])
		if err != nil {
			return nil, nil, err
		}
		if !isSummary(h, hits) {
			out = append(out, genericRead(h, holds))
		}
	}
	for _, r := range refused {
		if r.record != root && byRecord[r.record] == nil && len(warnings) < maxReads {
			warnings = append(warnings, message.Of(r.err))
		}
	}
	return out, warnings, nil
}

// surest returns the plate of a record: of several fields the surest, when they do not contradict each other. Fields
// that say "no plate" count only when all do.
func surest(same []hit) (hit, error) {
	if read := slices.DeleteFunc(slices.Clone(same), func(h hit) bool {
		return isNoPlate(h.n.value())
	}); len(read) > 0 {
		same = read
	}
	slices.SortStableFunc(same, func(a, b hit) int { return a.rank - b.rank })
	for _, h := range same[1:] {
		if !isAkin(same[0].n.value(), h.n.value()) {
			return hit{}, message.Errorf("plate.two-plates",
				message.Quoted("field", same[0].n.name), message.Quoted("value", excerpt(same[0].n.value())),
				message.Quoted("otherField", h.n.name), message.Quoted("otherValue", excerpt(h.n.value())))
		}
	}
	return same[0], nil
}

// isSummary reports whether the plate of a record is that of an element of a list inside it: some makes repeat the
// best read beside the list of all.
func isSummary(h hit, all []hit) bool {
	return slices.ContainsFunc(all, func(o hit) bool {
		return o.record != h.record && slices.Contains(o.parents, h.record) &&
			identifier.NormalPlate(o.n.value()) == identifier.NormalPlate(h.n.value())
	})
}

// plateField is the name of the plate of a read that genericRead made; no payload has such a name.
const plateField = "\x00plate"

// genericRead makes a read: its plate, what its record says, then what the elements around say, the nearest first,
// without what belongs to other reads.
func genericRead(h hit, holds map[*node]bool) *node {
	out := &node{children: []*node{{name: plateField, text: h.n.value()}}}
	at := max(slices.Index(h.parents, h.record), 0)
	if h.record == h.n { // one of a list of plates: all else is around it
		at = len(h.parents)
	} else {
		out.children = append(out.children, prune(h.record, func(c *node) bool {
			return holds[c] && !slices.Contains(h.parents, c)
		}).children...)
	}
	for i := at - 1; i >= 0; i-- {
		for _, c := range h.parents[i].children {
			if !holds[c] && !isOther(c) && !isPlateName(c.name) {
				out.children = append(out.children, c)
			}
		}
	}
	return out
}

// prune returns a copy of an element without what is told of other vehicles, but with the other readings of this
// one.
func prune(n *node, isOfAnother func(*node) bool) *node {
	out := *n
	out.children = nil
	for _, c := range n.children {
		if !isOfAnother(c) && !isOther(c) || strings.EqualFold(c.name, "candidates") {
			out.children = append(out.children, prune(c, isOfAnother))
		}
	}
	return &out
}

// isOther reports whether an element tells of other vehicles, by its name. A single value of such a name is no
// vehicle.
func isOther(n *node) bool { return len(n.children) > 0 && others.MatchString(n.name) }

func isPlateName(name string) bool { return rankOf(name) >= 0 }

// rankOf returns the place of a field's name in plateNames; -1 for another name.
func rankOf(name string) int {
	return slices.IndexFunc(plateNames, func(p string) bool { return strings.EqualFold(p, name) })
}

// genericHits finds the fields of plates, and apart those that have a plate's name and no plate.
func genericHits(root *node) (hits, refused []hit) {
	depth := 1
	if len(root.children) == 1 && root.children[0].name != "" && len(root.children[0].children) > 0 {
		depth = 0 // XML's document element, or a single object around all
	}
	f := finder{}
	f.visit(root, nil, root, depth)
	return f.hits, f.refused
}

// finder gathers fields of plates on its way through a payload.
type finder struct{ hits, refused []hit }

// visit goes through what is below n, which belongs to record. parents lead to n from the root; depth is 1 for
// fields of the payload itself. Each element of a list is a record of its own; in XML, elements of one name side by
// side are a list.
func (f *finder) visit(n *node, parents []*node, record *node, depth int) {
	parents = append(parents[:len(parents):len(parents)], n)
	names := map[string]int{}
	for _, c := range n.children {
		names[strings.ToLower(c.name)]++
	}
	for _, c := range n.children {
		isList := n.array || c.name != "" && names[strings.ToLower(c.name)] > 1
		rank := rankOf(c.name)
		values := valuesOf(c, rank)
		for _, v := range values {
			h := hit{n: v, rank: rank, parents: parents, record: record,
				err: checkPlate(v, c.name, isWeak(c.name, depth))}
			if v != c || isList { // one of several: a read of its own
				h.n = &node{name: c.name, text: v.value()}
				h.record = h.n
			}
			if h.err != nil {
				f.refused = append(f.refused, h)
			} else {
				f.hits = append(f.hits, h)
			}
		}
		switch {
		case isOther(c) || len(values) > 0:
		case isList:
			f.visit(c, parents, c, depth+1)
		default:
			f.visit(c, parents, record, depth+1)
		}
	}
}

// valuesOf returns the values of a field of a plate: several, of a list of texts; none of an object that holds it
// deeper, or of a field of another name (rank -1).
func valuesOf(n *node, rank int) (out []*node) {
	switch {
	case rank < 0:
	case n.array:
		for _, c := range n.children {
			if c.scalar == isString {
				out = append(out, c)
			}
		}
		if len(out) == 1 {
			return []*node{n} // a plate and its score
		}
	case n.value() != "":
		return []*node{n}
	}
	return out
}

// checkPlate reports why a field of a plate's name has none; nil for a plate, and for a word that says that the
// vehicle has none. A weak name (isWeak) takes only what looks like a plate: 2 to 12 letters and digits, a digit
// among them.
func checkPlate(n *node, name string, weak bool) error {
	text := n.value()
	normal := identifier.NormalPlate(text)
	length := utf8.RuneCountInString(normal)
	switch {
	case n.scalar == isBool || saysNothing(normal) || isMarkup(text):
		return message.Errorf("plate.not-a-plate", message.Quoted("field", name),
			message.Quoted("value", excerpt(text)))
	case isNoPlate(text):
		return nil
	case len(text) > maxPlateText || length > maxPlateRunes:
		return message.Errorf("plate.long", message.Quoted("field", name),
			message.Count("n", utf8.RuneCountInString(text)), message.Int("most", maxPlateRunes))
	case weak && (length < 2 || length > 12 || !strings.ContainsFunc(normal, unicode.IsDigit) ||
		strings.ContainsAny(text, `/\:=&?;,@`)):
		return message.Errorf("plate.unlike", message.Quoted("field", name),
			message.Quoted("value", excerpt(text)))
	}
	return nil
}

// isAkin reports whether two plates of one read are the same one, written in another script ("京A12345", "A12345"),
// with its country, or read a little differently (O for 0).
func isAkin(a, b string) bool {
	a, b = identifier.NormalPlate(a), identifier.NormalPlate(b)
	digits := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsDigit(r) {
				return r
			}
			return -1
		}, s)
	}
	foreign := strings.ContainsFunc(a+b, func(r rune) bool { return r > unicode.MaxASCII })
	return a == "" || b == "" || strings.Contains(a, b) || strings.Contains(b, a) ||
		identifier.PlateSkeleton(a) == identifier.PlateSkeleton(b) || foreign && digits(a) == digits(b)
}

// maxExcerpt bounds a value in a message, in bytes.
const maxExcerpt = 64

// excerpt returns the beginning of a value for a message, cut between characters.
func excerpt(text string) string { return strings.ToValidUTF8(text[:min(len(text), maxExcerpt)], "") }
