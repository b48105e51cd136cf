package n42

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/radiation/n42/sim"
)

func decode(t *testing.T, text string) *Document {
	t.Helper()
	d, err := Decode(strings.NewReader(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestSimulatedDocument(t *testing.T) {
	d := decode(t,
		string(sim.Document(sim.Pass{Number: 1, Start: time.Unix(1_800_000_000, 0), Seconds: 6,
			Source: &sim.Nuclides[0], Counts: 5000}, 1)))
	if d.Format != Format2011 || d.Samples != 6 || d.Measurements != 24 || d.Channels != 1024 ||
		len(d.Detectors) != 4 || !d.Occupied {
		t.Errorf("document %+v", d)
	}
	if len(d.Alarms) != 1 || len(d.Nuclides) != 1 || d.Nuclides[0].Name != "Cs-137" ||
		!d.Start.Equal(time.Unix(1_800_000_000, 0)) {
		t.Errorf("alarms %v, nuclides %v, start %s", d.Alarms, d.Nuclides, d.Start)
	}
	if d.Live < 5.8*4 || d.Real != 24 || d.Detectors[0].Calibration[1] != 3 {
		t.Errorf("live %v, real %v, calibration %v", d.Live, d.Real, d.Detectors[0].Calibration)
	}
}

const portal2006 = `<?xml version="1.0"?><n42instrumentdata><Measurement><InstrumentInformation><Manufacturer>Maker</Manufacturer>
<InstrumentModel>P1</InstrumentModel><InstrumentID>7</InstrumentID></InstrumentInformation>
<DetectorData><StartTime>2024-01-02T03:04:05Z</StartTime><SampleRealTime>0.5 s</SampleRealTime><Occupied>1</Occupied><Speed Units="mph">10</Speed>
<DetectorMeasurement><SpectrumMeasurement>
<Spectrum Detector="A"><RealTime>PT0.5S</RealTime><LiveTime>PT0.4S</LiveTime><ChannelData Compression="CountedZeroes">0 3 5 0 1 7</ChannelData></Spectrum>
<Spectrum Detector="B"><LiveTime>PT0.4S</LiveTime><ChannelData>1 2 3 4 5 6</ChannelData></Spectrum>
</SpectrumMeasurement><CountDoseData Detector="N" DetectorType="Neutron"><Counts>4</Counts></CountDoseData></DetectorMeasurement></DetectorData>
</Measurement></n42instrumentdata>`

func Test2006Portal(t *testing.T) {
	for name, text := range map[string]string{
		Format2006: portal2006,
		FormatICD1: "<Event xmlns='urn:x'><N42>" + strings.TrimPrefix(portal2006, `<?xml version="1.0"?>`) +
			"</N42></Event>",
	} {
		d := decode(t, text)
		if d.Format != name || d.Manufacturer != "Maker" || d.Serial != "7" || d.GammaCounts != 12+21 ||
			d.NeutronCounts != 4 || len(d.Detectors) != 3 || d.Samples != 1 {
			t.Errorf("%s: %+v", name, d)
		}
		if d.Real != 1.5 || d.Speed < 16 || d.Speed > 16.2 || !d.Occupied || d.Channels != 6 {
			t.Errorf("%s: real %v speed %v channels %d", name, d.Real, d.Speed, d.Channels)
		}
	}
}

func TestRealWorldOddities(t *testing.T) {
	body := `<RadInstrumentData><RadMeasurement><Spectrum><ChannelData>1 2</ChannelData></Spectrum></RadMeasurement></RadInstrumentData>`
	utf16 := []byte{0xff, 0xfe}
	for _, c := range `<?xml version="1.0" encoding="UTF-16"?>` + body {
		utf16 = append(utf16, byte(c), 0)
	}
	for name, text := range map[string]string{
		"byte order mark": "\xef\xbb\xbf" + body,
		"utf-16":          string(utf16),
		"latin-1": `<?xml version="1.0" encoding="ISO-8859-1"?>` + strings.Replace(body,
			"<RadM", "<RadInstrumentInformation><RadInstrumentManufacturerName>\xc9cole</RadInstrumentManufacturerName></RadInstrumentInformation><RadM", 1),
		"prefix":         strings.ReplaceAll(strings.ReplaceAll(body, "<Rad", "<n:Rad"), "</Rad", "</n:Rad"),
		"two roots":      body + "\n" + body,
		"unknown entity": strings.Replace(body, "<RadM", "<Remark>&nosuch;</Remark><RadM", 1),
	} {
		d := decode(t, text)
		if d.GammaCounts < 3 {
			t.Errorf("%s: %+v", name, d)
		}
		if name == "latin-1" && d.Manufacturer != "École" {
			t.Errorf("%s: manufacturer %q", name, d.Manufacturer)
		}
	}
}

func TestBadDocuments(t *testing.T) {
	for name, text := range map[string]string{
		"not XML":            "hello",
		"other XML":          "<html></html>",
		"cut off":            portal2006[:len(portal2006)-60],
		"too deep":           "<RadInstrumentData>" + strings.Repeat("<a>", 100),
		"too many detectors": manyDetectors(),
		"huge tag":           "<RadInstrumentData " + strings.Repeat("a ", maxTagBytes/2+1) + "></RadInstrumentData>",
		"huge comment": "<RadInstrumentData><!--" + strings.Repeat("a ", maxMarkupBytes/2+1) +
			"--></RadInstrumentData>",
	} {
		_, err := Decode(strings.NewReader(text), nil)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if len(err.Error()) > 300 {
			t.Errorf("%s: error of %d bytes", name, len(err.Error()))
		}
	}
}

// TestBadSpectra: a spectrum that cannot be read costs itself and is said to be left out; the other one is read.
func TestBadSpectra(t *testing.T) {
	const zeroes = "compressionCode='CountedZeroes'"
	for name, c := range map[string]struct{ attr, data string }{
		"zero bomb":         {zeroes, "0 999999999"},
		"fraction of zeros": {zeroes, "0 1.5"},
		"too many channels": {"", strings.Repeat("1 ", maxChannels+1)},
		"too long":          {"", strings.Repeat("1                    ", maxTextBytes/20)},
		"not a count":       {"", "1 x 2"},
		"negative":          {"", "1 -2"},
		"infinite":          {"", "1 Inf"},
	} {
		d := decode(t, "<RadInstrumentData><RadMeasurement><Spectrum><ChannelData "+c.attr+
			">"+c.data+"</ChannelData></Spectrum></RadMeasurement>"+
			"<RadMeasurement><Spectrum><ChannelData>1 2</ChannelData></Spectrum></RadMeasurement></RadInstrumentData>")
		if d.Measurements != 1 || d.GammaCounts != 3 || d.WarningCount != 1 ||
			!strings.Contains(d.Warnings[0].Error(), "left out") {
			t.Errorf("%s: %d measurements, gamma %v, warnings %q", name, d.Measurements, d.GammaCounts, d.Warnings)
		}
	}
}

func manyDetectors() string {
	var b strings.Builder
	b.WriteString("<RadInstrumentData>")
	for i := range maxDetectors + 1 {
		fmt.Fprintf(&b,
			"<RadMeasurement><Spectrum "+
				"radDetectorInformationReference='%d'><ChannelData>1</ChannelData></Spectrum></RadMeasurement>", i)
	}
	return b.String() + "</RadInstrumentData>"
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(portal2006))
	f.Add([]byte(doc2011("g:Gamma n:Neutron", measurement(spectrumOf("g", "", "1 2")+countOf("n", "", "0"))+
		"<DerivedData id='A'><Spectrum id='BG'><ChannelData>0 1</ChannelData></Spectrum></DerivedData>")))
	f.Add([]byte("<?xml version='1.1' " +
		"encoding='ISO-8859-1'?><N42InstrumentData><Measurement><DetectorData><DetectorMeasurement Detector='L' " +
		"DetectorType='Neutron'><GrossCountMeasurement><GrossCounts>3</GrossCounts></GrossCountMeasurement><DoseMeasurement><DoseRate Units='\xb5Sv/h'>1</DoseRate></DoseMeasurement></DetectorMeasurement></DetectorData></Measurement></N42InstrumentData>"))
	f.Add([]byte("<RadInstrumentData><Remark a='&#x1C;'>\x1c</Remark><RadMeasurement><StartDateTime>3/4/2027 " +
		"5:06:07 AM</StartDateTime><RealTimeDuration>P0Y0M0DT0H0M10.500S</RealTimeDuration><DoseRate><DoseRateValue>1</DoseRateValue></DoseRate></RadMeasurement></RadInstrumentData>"))
	f.Add(sim.Document(sim.Pass{Number: 1, Seconds: 1}, 1)[:3000])
	f.Add([]byte("<Event><N42InstrumentData><Measurement><Spectrum><ChannelData Compression='CountedZeroes'>0 5 " +
		"1</ChannelData></Spectrum></Measurement></N42InstrumentData></Event>"))
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := Decode(bytes.NewReader(in), func(m *Measurement) error {
			if len(m.Channels) > maxChannels {
				t.Fatalf("%d channels", len(m.Channels))
			}
			return nil
		})
		if err == nil {
			d.SevereFaults()
		}
		Recognise(in)
	})
}
