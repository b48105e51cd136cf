package doctor

import (
	"bytes"
	"math/bits"
	"math/rand/v2"
	"testing"
)

// with changes each byte of a text.
func with(text string, f func(byte) byte) []byte {
	out := []byte(text)
	for i := range out {
		out[i] = f(out[i])
	}
	return out
}

func TestDiagnose(t *testing.T) {
	line := string(bytes.Repeat([]byte("GB,000251,000248,000260,000255\r\n\x02ST,GS,+0012340 kg\r\n"), 20))
	rng := rand.New(rand.NewPCG(1, 2))
	parity := func(b byte) byte { return byte(bits.OnesCount8(b) % 2) }
	for name, c := range map[string]struct {
		in     []byte
		parity string
		banner bool
		noise  bool
		clean  bool // under noisyShare
	}{
		"text":                 {in: []byte(line), clean: true},
		"nothing":              {clean: true},
		"even parity":          {in: with(line, func(b byte) byte { return b | parity(b)<<7 }), parity: "7 data bits, even parity"},
		"odd parity":           {in: with(line, func(b byte) byte { return b | (1-parity(b))<<7 }), parity: "7 data bits, odd parity"},
		"mark":                 {in: with(line, func(b byte) byte { return b | 0x80 }), parity: "7 data bits and a mark bit"},
		"another speed":        {in: with(line, func(byte) byte { return []byte{0x00, 0x80, 0xf8, 0x1e, 0xe0}[rng.IntN(5)] }), noise: true},
		"damaged now and then": {in: with(line, func(b byte) byte { return map[bool]byte{true: b ^ 0x91, false: b}[rng.IntN(50) == 0] })},
		"a web server":         {in: []byte("HTTP/1.1 400 Bad Request\r\n"), banner: true},
		"gps in the middle":    {in: []byte("half a line\r\n$GPGGA,1,2\r\n"), banner: true},
		"UTF-8 now and then":   {in: []byte(line + "température 12 °C\r\n"), clean: true},
	} {
		s := diagnose(c.in)
		if s.parity.English() != c.parity || s.banner.IsZero() == c.banner || s.noise != c.noise || c.clean != (s.share < noisyShare) && !c.banner && c.parity == "" && !c.noise {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func FuzzDiagnose(f *testing.F) {
	f.Add([]byte("GB,000251\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		if s := diagnose(in); s.share < 0 || s.share > 1 {
			t.Errorf("%+v", s)
		}
	})
}
