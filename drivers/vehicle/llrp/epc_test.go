package llrp

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func unhex(t testing.TB, text string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestEPC has the examples of TDS 1.13, appendix E.3, and what is against the rules.
func TestEPC(t *testing.T) {
	for _, c := range []struct{ epc, scheme, uri string }{
		{"3074257BF7194E4000001A85", "sgtin-96", "urn:epc:id:sgtin:0614141.812345.6789"},
		{"3034257BF7194E4000001A85", "sgtin-96", "urn:epc:id:sgtin:0614141.812345.6789"},
		{"3674257BF6B7A659B2C2BF1000000000000000000000000000 00", "sgtin-198",
			"urn:epc:id:sgtin:0614141.712345.32a%2Fb"},
		{"3174257BF4499602D2000000", "sscc-96", "urn:epc:id:sscc:0614141.1234567890"},
		{"3114257bf4499602d2000000", "sscc-96", "urn:epc:id:sscc:0614141.1234567890"},
		{"3274257BF460720000000190", "sgln-96", "urn:epc:id:sgln:0614141.12345.400"},
		{"3974257BF46072CD9615F8800000000000000000000000000000", "sgln-195", "urn:epc:id:sgln:0614141.12345.32a%2Fb"},
		{"3374257BF40C0E4000000190", "grai-96", "urn:epc:id:grai:0614141.12345.400"},
		{"3774257BF40C0E59B2C2BF10000000000000000000 00", "grai-170", "urn:epc:id:grai:0614141.12345.32a%2Fb"},
		{"3474257BF40000000000162E", "giai-96", "urn:epc:id:giai:0614141.5678"},
		{"3874257BF59B2C2BF1000000000000000000000000000000 0000", "giai-202", "urn:epc:id:giai:0614141.32a%2Fb"},
		{"2D74257BF4499602D2000000", "gsrn-96", "urn:epc:id:gsrn:0614141.1234567890"},
		{"2E74257BF4499602D2000000", "gsrnp-96", "urn:epc:id:gsrnp:0614141.1234567890"},
		{"2C74257BF460720000000190", "gdti-96", "urn:epc:id:gdti:0614141.12345.400"},
		{"3C74257BF400C0E680003039", "cpi-96", "urn:epc:id:cpi:0614141.98765.12345"},
		{"3D74257BF75411DEF6B4CC00000003039 0", "cpi-var", "urn:epc:id:cpi:0614141.5PQ7%2FZ43.12345"},
		{"3F74F4E4E612640000019907", "sgcn-96", "urn:epc:id:sgcn:4012345.67890.04711"},
		{"350007AB70425D4000000586", "gid-96", "urn:epc:id:gid:31415.271828.1414"},
		{"2F320434147455900000162E", "usdod-96", "urn:epc:id:usdod:CAGEY.5678"},
		{"3B0E0CF5E76C9047759AD00373DC7602E7200 0", "adi-var", "urn:epc:id:adi:35962.PQ7VZ4.M37GXB92"},

		{"4074F4E4E40C0E40820000000F6C", "itip-110", "urn:epc:id:itip:4012345.012345.01.02.987"},

		{"E2003411B802011383258566", "raw", "urn:epc:raw:96.xE2003411B802011383258566"},
		{"303C257BF7194E4000001A85", "raw", "urn:epc:raw:96.x303C257BF7194E4000001A85"}, // partition 7
		{"3074257BF7194E4000001A8500000000", "raw", "urn:epc:raw:128.x3074257BF7194E4000001A8500000000"},
		// two words more than it has
		{"3074257BF7194E400000", "raw", "urn:epc:raw:80.x3074257BF7194E400000"},
		{"3674257BF6B7A659B2C2BF10000000000000000000000000FF00", "raw",
			"urn:epc:raw:208.x3674257BF6B7A659B2C2BF10000000000000000000000000FF00"}, // filled with ones
		{"3D74257BF75411DEF6B4", "raw", "urn:epc:raw:80.x3D74257BF75411DEF6B4"},
		{"ABCD", "raw", "urn:epc:raw:16.xABCD"},
		{"", "raw", "urn:epc:raw:0.x"},
	} {
		if scheme, uri := EPCURI(unhex(t, c.epc)); scheme != c.scheme || uri != c.uri {
			t.Errorf("%s is %s %s, not %s %s", c.epc, scheme, uri, c.scheme, c.uri)
		}
	}
}

// bitWriter makes EPCs for tests.
type bitWriter struct {
	v *big.Int
	n int
}

func (w *bitWriter) put(v uint64, bits int) {
	w.v.Lsh(w.v, uint(bits)).Or(w.v, new(big.Int).SetUint64(v))
	w.n += bits
}

// bytes fills up to whole words.
func (w *bitWriter) bytes() []byte {
	fill := (16 - w.n%16) % 16
	w.put(0, fill)
	return w.v.FillBytes(make([]byte, w.n/8))
}

// TestEPCSerials makes EPCs of the schemes with long strings and numbers, and reads them back.
func TestEPCSerials(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		company, piece := rapid.Uint64Range(0, 9999999).Draw(t, "company"), rapid.Uint64Range(1, 99).Draw(t, "piece")
		serial := rapid.StringMatching(`[A-Za-z0-9!'()*+,:;=_.-]{1,17}`).Draw(t, "serial")
		text := func(w *bitWriter, bits int) {
			for i := range bits / 7 {
				c := byte(0)
				if i < len(serial) {
					c = serial[i]
				}
				w.put(uint64(c), 7)
			}
			w.put(0, bits%7)
		}
		for _, c := range []struct {
			name string
			make func(w *bitWriter)
			want string
		}{
			{"gdti-174", func(w *bitWriter) {
				w.put(0x3e, 8)
				w.put(5, 6)
				w.put(company, 24)
				w.put(12345,
					17)
				text(w, 119)
			}, "gdti:%07d.12345." + serial},
			{"giai-202", func(w *bitWriter) { w.put(0x38, 8); w.put(5, 6); w.put(company, 24); text(w, 164) },
				"giai:%07d." + serial},
			{"itip-212", func(w *bitWriter) {
				w.put(0x41, 8)
				w.put(5, 6)
				w.put(company, 24)
				w.put(12345, 20)
				w.put(piece, 7)
				w.put(99, 7)
				text(w, 140)
			}, "itip:%07d.012345." + fmt.Sprintf("%02d", piece) + ".99." + serial},
			{"itip-110", func(w *bitWriter) {
				w.put(0x40, 8)
				w.put(5, 6)
				w.put(company, 24)
				w.put(12345, 20)
				w.put(piece, 7)
				w.put(99, 7)
				w.put(981, 38)
			}, "itip:%07d.012345." + fmt.Sprintf("%02d", piece) + ".99.981"},
			{"gdti-113", func(w *bitWriter) {
				w.put(0x3a, 8)
				w.put(5, 6)
				w.put(company, 24)
				w.put(12345, 17)
				w.put(10047, 58)
			}, "gdti:%07d.12345.0047"},
		} {
			w := &bitWriter{v: new(big.Int)}
			c.make(w)
			if scheme, uri := EPCURI(w.bytes()); scheme != c.name || uri != "urn:epc:id:"+fmt.Sprintf(c.want, company) {
				t.Fatalf("%s: %s %s, want %s", c.name, scheme, uri, c.want)
			}
		}
	})
}

// TestCase reads the tag that was found to be read wrongly, where it is.
func TestCase(t *testing.T) {
	text, err := os.ReadFile("../../../../shared/findings/cases/llrp-01.hex")
	if err != nil {
		t.Skip("the cases are not here")
	}
	m, err := Decode(ROAccessReport, 1, TLV(240, TV(13, unhex(t, strings.TrimSpace(string(text))))))
	if err != nil {
		t.Fatal(err)
	}
	epc, ok := m.Params[0].Params.TV(TVEPC96)
	if !ok {
		t.Fatal("no EPC")
	}
	if _, uri := EPCURI(epc.Bytes("EPC")); uri != "urn:epc:id:sscc:0614141.1234567890" {
		t.Errorf("%s", uri)
	}
}

func FuzzEPC(f *testing.F) {
	for _, text := range []string{"3074257BF7194E4000001A85", "3D74257BF75411DEF6B4CC000000030390",
		"3B0E0CF5E76C9047759AD00373DC7602E72000", "3874257BF59B2C2BF10000000000000000000000000000000000"} {
		f.Add(unhex(f, text))
	}
	f.Fuzz(func(t *testing.T, epc []byte) {
		scheme, uri := EPCURI(epc)
		if (scheme == "raw") != strings.HasPrefix(uri, "urn:epc:raw:") || strings.ContainsAny(uri, " \x00\"<>") {
			t.Errorf("%x is %s %q", epc, scheme, uri)
		}
	})
}
