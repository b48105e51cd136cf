package dicom

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
)

// String returns a text value without its padding (blanks, or zeros for UIDs; PS3.5, 6.2), several values with
// backslashes between them. For other VRs it is "". UN counts as text: a private text in implicit VR arrives as UN.
// The bytes are not decoded; Decode does that.
func (e *Element) String() string {
	if e == nil || !e.VR.text() && e.VR != "UN" {
		return ""
	}
	return strings.TrimRight(string(e.Value), " \x00")
}

// Strings returns the values of a text element, without padding; nil when there are none. "6000\ -1" is two values.
// In LT, ST, UT and UR a backslash is a character like others, and they are one value (PS3.5, 6.2).
func (e *Element) Strings() []string {
	s := e.String()
	if s == "" {
		return nil
	}
	switch e.VR {
	case "LT", "ST", "UT", "UR":
		return []string{s}
	}
	out := strings.Split(s, `\`)
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return out
}

// Ints returns the values of an integer element, binary (US, SS, UL, SL, UV, SV, AT, and OW as 16 bits) or text
// (IS); what is no integer is left out, and so is a rest of bytes that fills no value. An AT is its group in the
// lower half, its element in the upper: the order in which the file holds them. A UV over 2^63-1 comes out negative.
func (e *Element) Ints() (out []int64) {
	if e == nil {
		return nil
	}
	size := map[VR]int{"US": 2, "SS": 2, "UL": 4, "SL": 4, "AT": 4, "UV": 8, "SV": 8, "OW": 2}[e.VR]
	if size == 0 {
		for _, s := range e.Strings() {
			if n, err := strconv.ParseInt(s, 10, 64); err == nil {
				out = append(out, n)
			}
		}
		return out
	}
	for b := e.Value; len(b) >= size; b = b[size:] {
		switch e.VR {
		case "US", "OW":
			out = append(out, int64(binary.LittleEndian.Uint16(b)))
		case "SS":
			out = append(out, int64(int16(binary.LittleEndian.Uint16(b))))
		case "UL", "AT":
			out = append(out, int64(binary.LittleEndian.Uint32(b)))
		case "SL":
			out = append(out, int64(int32(binary.LittleEndian.Uint32(b))))
		default:
			out = append(out, int64(binary.LittleEndian.Uint64(b)))
		}
	}
	return out
}

// Floats returns the values of a number element, binary (FL, FD, OF, OD) or text (DS, IS), or of integers; what is
// no finite number is left out, so that no caller has to guard its arithmetic. Whoever needs a number of values (a
// box of 6) must count what came back.
func (e *Element) Floats() (out []float64) {
	if e == nil {
		return nil
	}
	add := func(v float64) {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			out = append(out, v)
		}
	}
	switch e.VR {
	case "FL", "OF":
		for b := e.Value; len(b) >= 4; b = b[4:] {
			add(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
		}
	case "FD", "OD":
		for b := e.Value; len(b) >= 8; b = b[8:] {
			add(math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}
	case "DS", "IS":
		for _, s := range e.Strings() {
			if v, err := strconv.ParseFloat(s, 64); err == nil {
				add(v)
			}
		}
	default:
		for _, n := range e.Ints() {
			add(float64(n))
		}
	}
	return out
}
