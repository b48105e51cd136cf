package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
)

// document is of an instrument that reports a severe fault, an alarm and a nuclide, and of a detector without a name.
const document = `<RadInstrumentData>
<RadInstrumentInformation><RadInstrumentManufacturerName>Maker</RadInstrumentManufacturerName></RadInstrumentInformation>
<RadInstrumentState><Fault><FaultCodeValue>E7</FaultCodeValue><FaultDescription>high voltage low</FaultDescription>
<FaultSeverityCode>Fatal</FaultSeverityCode></Fault></RadInstrumentState>
<RadMeasurement><Spectrum><LiveTimeDuration>PT1.5S</LiveTimeDuration><ChannelData>1000 200 30.5</ChannelData></Spectrum></RadMeasurement>
</RadInstrumentData>`

// A person reads what a file holds in the language asked for, numbers too; what the device wrote stays as it is. A
// program reads the same in both.
func TestDecodeLanguages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doc.xml")
	if err := os.WriteFile(path, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	decoded := func(l message.Language, asJSON bool) string {
		var out bytes.Buffer
		if err := decode(cli.Printer{Writer: &out, Language: l}, path, "open-literature", asJSON); err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(out.String(), path+": ", "")
	}
	for l, want := range map[message.Language]string{
		message.English: `n42-2011 document of Maker
1 measurement by 1 detector in 1 time slice, 1 spectrum of up to 3 channels
gamma 1,230 counts, neutron 0 counts, live 1.500 s, real 0.000 s
DEVICE FAULT the instrument reports a fault E7 Fatal: high voltage low
  detector (unnamed): gamma 1,230, live 1.500 s
`,
		message.French: `document n42-2011, instrument : Maker
1 mesure par 1 détecteur en 1 intervalle de temps, 1 spectre de 3 canaux au plus
gamma : 1 230 coups, neutrons : 0 coups, temps actif 1,500 s, temps réel 0,000 s
DÉFAUT DE L’APPAREIL l’instrument signale un défaut E7 Fatal : high voltage low
  détecteur (sans nom) : gamma 1 230, temps actif 1,500 s
`,
	} {
		if got := decoded(l, false); got != want {
			t.Errorf("%s:\n%s\nnot\n%s", l, got, want)
		}
	}
	if en, fr := decoded(message.English, true), decoded(message.French, true); en != fr {
		t.Errorf("JSON differs:\n%s\n%s", en, fr)
	}
}
