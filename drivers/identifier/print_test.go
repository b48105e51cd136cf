package identifier

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lanewarden/drivers/driver/drivertest/peer"
)

// zbarNames are the AIM prefixes that a reader would send for the symbologies as zbarimg names them.
var zbarNames = map[string]string{"CODE-39": "]A0", "CODE-128": "]C0", "QR-Code": "]Q1"}

// TestPrintedCodes prints codes with zint, reads the pictures with zbarimg and parses what it read.
func TestPrintedCodes(t *testing.T) {
	peer.Need(t, peer.Zint, peer.Zbar)
	for _, c := range []struct{ symbology, text, kind, value string }{
		{"CODE39", "8080", "carrier-code", "8080"},
		{"CODE39", "77-1PARS56789", "cargo-control-number", "77-1PARS56789"},
		{"CODE39", "1234PARS56789", "cargo-control-number", "1234PARS56789"},
		{"CODE39", "123456782RM0001", "importer-bn15", "123456782RM0001"},
		{"CODE128", "12345123456789", "transaction-number", "12345123456789"},
		{"CODE128", "CSQU3054383", "container", "CSQU3054383"},
		{"CODE128", "B76-0324527-8", "entry-number", "B7603245278"},
		{"CODE128", "589-81140743", "air-waybill", "589-81140743"},
		{"CODE128", "RR473124829GB", "postal-item", "RR473124829GB"},
		{"CODE128", "SEAL1234567", "seal", "SEAL1234567"},
		{"QRCODE", "001|ABCD1234567890|20261128|USMI 1AB234|CAON AB12345", "truck-manifest", "ABCD1234567890"},
		{"QRCODE", "8080123456", "cargo-control-number", "8080123456"},
		{"QRCODE", "CSQU3054383", "container", "CSQU3054383"},
	} {
		t.Run(c.symbology+" "+c.text, func(t *testing.T) {
			picture := filepath.Join(t.TempDir(), "code.png")
			if out, err := exec.Command("zint", "-b", c.symbology, "--scale=2", "--whitesp=10", "--vwhitesp=10",
				"-o", picture, "-d", c.text).CombinedOutput(); err != nil {
				t.Fatalf("zint: %v: %s", err, out)
			}
			var said bytes.Buffer
			read := exec.Command("zbarimg", "--nodbus", "-q", picture)
			read.Stderr = &said
			out, err := read.Output()
			if err != nil {
				t.Fatalf("zbarimg: %v: %s", err, said.String())
			}
			name, text, ok := strings.Cut(strings.TrimSuffix(string(out), "\n"), ":")
			if !ok || zbarNames[name] == "" {
				t.Fatalf("zbarimg read %q", out)
			}
			for _, code := range []string{text, zbarNames[name] + text, fmt.Sprintf("\x02%s%s\x03", zbarNames[name],
				text)} {
				if r := Readings(code)[0]; string(r.Kind) != c.kind || r.Value != c.value {
					t.Errorf("printed %q, read %q: %+v", c.text, code, r)
				}
			}
		})
	}
}
