// Package units has the quantities that cross packages as types, so that one is not taken for another. Each is a number
// of its unit. It imports none of ours.
package units

// Metres is a length or a distance.
type Metres float64

// Abs returns the distance without its sign.
func (d Metres) Abs() Metres { return max(d, -d) }

// SecondsAt returns how long the way takes at a speed.
func (d Metres) SecondsAt(v MetresPerSecond) float64 { return float64(d) / float64(v) }

// Kilograms is a mass.
type Kilograms float64

// MetresPerSecond is a speed.
type MetresPerSecond float64

// KilometresPerHour is a speed, as settings and documents give it.
type KilometresPerHour float64

// MetresPerSecond converts the speed.
func (v KilometresPerHour) MetresPerSecond() MetresPerSecond { return MetresPerSecond(v / 3.6) }

// KilometresPerHour converts the speed.
func (v MetresPerSecond) KilometresPerHour() KilometresPerHour { return KilometresPerHour(v * 3.6) }

// Seconds is a time span that is summed or computed with where time.Duration would round.
type Seconds float64

// Counts are pulses of a radiation detector; a sum may be a fraction when an instrument gives it so.
type Counts float64

// Microsieverts is a dose.
type Microsieverts float64

// MicrosievertsPerHour is a dose rate.
type MicrosievertsPerHour float64

// MilliroentgensPerHour is an exposure rate.
type MilliroentgensPerHour float64
