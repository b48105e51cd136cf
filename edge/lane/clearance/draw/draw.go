// Package draw draws lots for random checks so that anyone can repeat it afterwards: what was presented, the time and a
// secret go in, a number from 0 to before 1 comes out. It keeps the secrets and the draws of the last hours, and audits
// a day of them. docs/clearance.md has the byte layout.
package draw

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"time"
)

// Draw is the random number of a presentation.
type Draw struct {
	Identity [32]byte  // SHA-256 of what is drawn for: the set of shipments, driver and carrier
	Drawn    time.Time // when, in whole seconds: the same set is drawn for again after 4 h
	Value    float64   // 0 to before 1, of the HMAC; NaN when nothing could be drawn
	Secret   string    // which secret: the day, "local-" before it for the lane's own
	Kept     bool      // it is that of an earlier presentation within 4 h
}

// None is the draw where nothing could be drawn.
func None() Draw { return Draw{Value: math.NaN()} }

// IsNone reports whether nothing was drawn: the value is no number from 0 to before 1.
func (d Draw) IsNone() bool { return !(d.Value >= 0 && d.Value < 1) }

// layout begins the bytes of an identity. Another layout needs another number.
const layout = "lanewarden draw 1\n"

// Identity returns what is drawn for: SHA-256 over the set of shipments, driver and carrier. The order of shipments does
// not matter, and neither do doubles.
func Identity(shipments []string, driver, carrier string) [32]byte {
	set := slices.Clone(shipments)
	slices.Sort(set)
	set = slices.Compact(set)
	b := binary.BigEndian.AppendUint32([]byte(layout), uint32(len(set)))
	for _, text := range append(set, driver, carrier) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
		b = append(b, text...)
	}
	return sha256.Sum256(b)
}

// fractionBits is the precision of float64: more bits would round, and 1 could come out.
const fractionBits = 53

// Value returns the draw for an identity at a time, which counts in whole seconds.
func Value(secret []byte, identity [32]byte, at time.Time) float64 {
	mac := hmac.New(sha256.New, secret)
	mac.Write(identity[:])
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix())))
	first := binary.BigEndian.Uint64(mac.Sum(nil))
	return float64(first>>(64-fractionBits)) / (1 << fractionBits)
}
