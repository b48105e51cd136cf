package n42

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/radiation/n42/n42test"
)

// Documents of 2011, of one sort each.
var (
	doc2011     = n42test.Document
	measurement = n42test.Measurement
	spectrumOf  = n42test.Spectrum
	countOf     = n42test.Counts
)

// detectorsOf prints what was read of each detector, in the document's order: name:spectra/gamma/neutron, neutron -
// where none are counted.
func detectorsOf(d *Document) string {
	var out []string
	for _, det := range d.Detectors {
		neutron := "-"
		if det.Neutrons {
			neutron = fmt.Sprint(det.Neutron)
		}
		out = append(out, fmt.Sprintf("%s:%d/%g/%s", det.Name, det.Spectra, det.Gamma, neutron))
	}
	return strings.Join(out, " ")
}

// TestDetectors holds what documents of the kinds in the field say of each detector.
func TestDetectors(t *testing.T) {
	doc2006 := func(inside string) string {
		return "<N42InstrumentData><Measurement><DetectorData><StartTime>2027-03-04T05:06:07Z</StartTime><SampleRealTime>PT1S</SampleRealTime>" + inside +
			"</DetectorData></Measurement></N42InstrumentData>"
	}
	for _, c := range []struct{ name, text, want string }{
		{"2006, detector and type on DetectorMeasurement", doc2006(
			"<DetectorMeasurement Detector='L' DetectorType='Gamma'><SpectrumMeasurement><Spectrum><ChannelData>5 " +
				"6</ChannelData></Spectrum></SpectrumMeasurement></DetectorMeasurement>" +
				"<DetectorMeasurement Detector='L' " +
				"DetectorType='Neutron'><GrossCountMeasurement><GrossCounts>2</GrossCounts><BackgroundCounts>7</BackgroundCounts></GrossCountMeasurement></DetectorMeasurement>" +
				"<DetectorMeasurement Detector='R' " +
				"DetectorType='Gamma'><SpectrumMeasurement><Spectrum><ChannelData>1 " +
				"1</ChannelData></Spectrum></SpectrumMeasurement></DetectorMeasurement>" +
				"<DetectorMeasurement Detector='R' " +
				"DetectorType='Neutron'><GrossCountMeasurement><GrossCounts>0</GrossCounts></GrossCountMeasurement></DetectorMeasurement>"),
			"L:1/11/2 R:1/2/0"},
		{"2006, neutrons without names behind each spectrum", doc2006(
			"<DetectorMeasurement><SpectrumMeasurement><Spectrum " +
				"Detector='A'><ChannelData>1</ChannelData></Spectrum><Spectrum " +
				"Detector='B'><ChannelData>2</ChannelData></Spectrum></SpectrumMeasurement></DetectorMeasurement>" +
				"<DetectorMeasurement " +
				"DetectorType='Neutron'><GrossCountMeasurement><GrossCounts>3</GrossCounts></GrossCountMeasurement></DetectorMeasurement>" +
				"<DetectorMeasurement " +
				"DetectorType='Neutron'><GrossCountMeasurement><GrossCounts>4</GrossCounts></GrossCountMeasurement></DetectorMeasurement>"),
			"A:1/1/3 B:1/2/4"},
		{"2006, neutrons as a spectrum, by the element DetectorType", doc2006(
			"<DetectorMeasurement><SpectrumMeasurement><Spectrum " +
				"Detector='Gamma'><DetectorType>Gamma</DetectorType><ChannelData>8 9</ChannelData></Spectrum>" +
				"<Spectrum Detector='He3'><ChannelData>6</ChannelData><DetectorType>Neutron, He3 " +
				"tube</DetectorType></Spectrum></SpectrumMeasurement></DetectorMeasurement>"),
			"Gamma:1/17/6"},
		{"2006, Detective: spectrum and CountDoseData in the Measurement",
			"<N42InstrumentData><Measurement><Spectrum Detector='HPGe'><RealTime>PT5S</RealTime><ChannelData>1 2 " +
				"3</ChannelData></Spectrum>" +
				"<CountDoseData DetectorType='Gamma'><Counts>99</Counts></CountDoseData><CountDoseData " +
				"DetectorType='Neutron'><Counts>4</Counts><TotalCounts>4</TotalCounts></CountDoseData></Measurement></N42InstrumentData>",
			"HPGe:1/6/4"},
		{"2006, spectra in Measurement and in DetectorData",
			"<N42InstrumentData><Measurement><Spectrum Detector='A'><ChannelData>1</ChannelData></Spectrum>" +
				"<DetectorData><DetectorMeasurement><SpectrumMeasurement><Spectrum " +
				"Detector='B'><ChannelData>2</ChannelData></Spectrum></SpectrumMeasurement></DetectorMeasurement></DetectorData></Measurement></N42InstrumentData>",
			"A:1/1/- B:1/2/-"},
		{"2006, two scales one behind the other",
			doc2006("<DetectorMeasurement><SpectrumMeasurement><Spectrum " +
				"Detector='A'><Calibration><Equation><Coefficients>0 1</Coefficients><Coefficients>0 " +
				"3</Coefficients></Equation></Calibration>" +
				"<SpectrumSize>3</SpectrumSize><ChannelData>1 2 3 3 2 " +
				"1</ChannelData></Spectrum></SpectrumMeasurement></DetectorMeasurement>"),
			"A:1/6/-"},
		{"2006, counts one level down",
			doc2006("<Spectrum Detector='A'><ChannelData Compression='CountedZeros'><Data>0 2 " +
				"7</Data></ChannelData></Spectrum>"), "A:1/7/-"},
		{"2011, detectors that counted 0", doc2011("G1:Gamma N1:Neutron G2:Gamma N2:Neutron",
			measurement(countOf("G1", "", "20")+countOf("N1", "", "0")+countOf("G2", "", "0")+countOf("N2", "", "3"))),
			"G1:0/20/- N1:0/0/0 G2:0/0/- N2:0/0/3"},
		{"2011, two panels of each", doc2011("A:Gamma AN:Neutron B:Gamma BN:Neutron",
			measurement(spectrumOf("A", "", "1 2")+spectrumOf("B", "", "3 4")+countOf("AN", "", "0")+
				countOf("BN", "", "5"))),
			"A:1/3/- B:1/7/- AN:0/0/0 BN:0/0/5"},
		{"2011, one spectrum and two detectors of neutrons: the dead one is seen",
			doc2011("A:Gamma AN:Neutron BN:Neutron",
				measurement(spectrumOf("A", "", "1 2")+countOf("AN", "", "0")+countOf("BN", "", "5"))),
			"A:1/3/- AN:0/0/0 BN:0/0/5"},
		{"2011, FLIR: least, most and total neutrons",
			doc2011("gamma:Gamma minimumNeutrons:Neutron maximumNeutrons:Neutron totalNeutrons:Neutron",
				measurement(spectrumOf("gamma", "", "4 4")+countOf("minimumNeutrons", "", "1")+
					countOf("maximumNeutrons", "", "3")+countOf("totalNeutrons", "", "12"))),
			"gamma:1/8/12"},
		{"2011, only statistics: better than nothing", doc2011("gamma:Gamma maximumNeutrons:Neutron",
			measurement(spectrumOf("gamma", "", "4 4")+countOf("maximumNeutrons", "", "3"))),
			"gamma:1/8/3"},
		{"2011, one detector of both",
			"<RadInstrumentData><RadDetectorInformation " +
				"id='D1'><RadDetectorCategoryCode>Gamma</RadDetectorCategoryCode><RadDetectorDescription>CLYC, " +
				"gamma and neutron</RadDetectorDescription></RadDetectorInformation>" +
				measurement(spectrumOf("D1", "", "1 1")+countOf("D1", "", "9")) + "</RadInstrumentData>",
			"D1:1/2/9"},
		{"2011, one detector of both, counts only",
			"<RadInstrumentData><RadDetectorInformation id='D1'><RadDetectorCategoryCode>Gamma and " +
				"Neutron</RadDetectorCategoryCode></RadDetectorInformation>" +
				measurement(countOf("D1", "id='x-Gamma'", "100")+countOf("D1", "id='x-Neutron'", "2")) +
				"</RadInstrumentData>",
			"D1:0/100/2"},
		{"2011, category wrong, name says neutrons",
			doc2011("G:Gamma CL1Ntr:Gamma", measurement(spectrumOf("G", "", "1")+countOf("CL1Ntr", "", "6"))),
			"G:1/1/6"},
		{"2011, the same counts in two scales",
			doc2011("G:Gamma",
				measurement(spectrumOf("G", "energyCalibrationReference='lin'", "1 2 3 4")+
					spectrumOf("G", "energyCalibrationReference='sqrt'", "4 3 2 1"))), "G:1/10/-"},
		{"2011, no references: the only detector",
			doc2011("G:Gamma N:Neutron",
				measurement("<Spectrum><ChannelData>2 2</ChannelData></Spectrum>"+countOf("N", "", "1"))), "G:1/4/1"},
		{"2011, the number where its CountData should be",
			doc2011("N:Neutron", measurement("<GrossCounts radDetectorInformationReference='N'>7</GrossCounts>")),
			"N:0/0/7"},
		{"2011, energy windows", doc2011("P:Gamma", measurement(countOf("P", "energyWindowsReference='w'", "3 4 5"))),
			"P:0/12/-"},
		{"2011, a tube beside the crystal",
			doc2011("NaI:Gamma GM:Gamma", measurement(spectrumOf("NaI", "", "1 2")+countOf("GM", "", "0"))),
			"NaI:1/3/- GM:0/0/-"},
	} {
		d := decode(t, c.text)
		if got := detectorsOf(d); got != c.want || d.WarningCount != 0 {
			t.Errorf("%s: %s, want %s; warnings %q", c.name, got, c.want, d.Warnings)
		}
	}
}

func classesOf(d *Document) string {
	var out []string
	for _, c := range d.Classes {
		out = append(out, fmt.Sprintf("%s %g in %g s", c.Class, c.Gamma, c.Live))
	}
	return strings.Join(out, ", ")
}

func TestDerivedData(t *testing.T) {
	derived := func(inside string) string {
		return "<DerivedData id='Analysis1'><MeasurementClassCode>NotSpecified</MeasurementClassCode><StartDateTime>2027-03-04T05:06:07Z</StartDateTime><RealTimeDuration>PT10S</RealTimeDuration>" + inside + "</DerivedData>"
	}
	background := "<MeasurementClassCode>Background</MeasurementClassCode>"
	for _, c := range []struct {
		name, text, want  string
		derived, warnings int
	}{
		{"only there",
			doc2011("g:Gamma",
				derived(spectrumOf("g", "id='A1BGGamma'", "1 1")+spectrumOf("g", "id='A1Gamma'", "5 5"))),
			"Background 2 in 9 s, Foreground 10 in 9 s", 2, 0},
		{"measured too",
			doc2011("g:Gamma", measurement(spectrumOf("g", "", "5 6"))+
				derived(spectrumOf("g", "id='A1Gamma'", "5 6"))), "Foreground 11 in 9 s", 0, 0},
		{"in front of what was measured",
			doc2011("g:Gamma", derived(spectrumOf("g", "", "5 6"))+measurement(spectrumOf("g", "", "5 6"))),
			"Foreground 11 in 9 s", 0, 0},
		{"background only there",
			doc2011("g:Gamma", measurement(spectrumOf("g", "", "5 6"))+"<DerivedData>"+background+
				spectrumOf("g", "", "1 2")+"</DerivedData>"), "Foreground 11 in 9 s, Background 3 in 9 s", 1, 0},
		{"another detector only there",
			doc2011("g:Gamma h:Gamma", measurement(spectrumOf("g", "", "5 6"))+
				derived(spectrumOf("h", "id='Gamma'", "1 2"))), "Foreground 14 in 18 s", 1, 0},
		{"less background",
			doc2011("g:Gamma",
				derived(spectrumOf("g", "id='A1Gamma'", "5 6")+spectrumOf("g", "id='A1BGSubtracted'", "4 4"))),
			"Foreground 11 in 9 s", 1, 1},
		{"counts measured, spectra only there",
			doc2011("g:Gamma", measurement(countOf("g", "", "11"))+derived(spectrumOf("g", "id='A1Gamma'", "5 6"))),
			"Foreground 11 in 8 s", 0, 1},
	} {
		d := decode(t, c.text)
		if got := classesOf(d); got != c.want || d.Derived != c.derived || d.WarningCount != c.warnings {
			t.Errorf("%s: %s, %d derived, warnings %q; want %s, %d, %d warnings", c.name, got,
				d.Derived, d.Warnings, c.want, c.derived, c.warnings)
		}
	}
}

func TestDoseRates(t *testing.T) {
	rate := func(detector, value string) string {
		return "<DoseRate id='r' radDetectorInformationReference='" + detector + "'><DoseRateValue>" +
			value + "</DoseRateValue></DoseRate>"
	}
	for _, c := range []struct {
		name, text   string
		measurements int
		want         map[string][]float64
	}{
		{"dose rates alone", doc2011("d:Gamma", measurement(rate("d", "0.5"))+measurement(rate("d", "2.25"))),
			2, map[string][]float64{"d": {0.5, 2.25}}},
		{"beside the spectrum", doc2011("d:Gamma", measurement(spectrumOf("d", "", "1 2")+rate("d", "0.1"))),
			1, map[string][]float64{"d": {0.1}}},
		{"of the instrument", doc2011("d:Gamma gm:Gamma", measurement(spectrumOf("d", "", "1 2")+rate("gm", "0.1"))),
			1, map[string][]float64{"d": {0.1}}},
		{"of each panel",
			doc2011("a:Gamma b:Gamma", measurement(countOf("a", "", "1")+countOf("b", "", "2")+rate("b", "0.3"))),
			2, map[string][]float64{"a": nil, "b": {0.3}}},
		{"2006, units",
			"<N42InstrumentData><Measurement><DetectorData><DetectorMeasurement " +
				"Detector='p'><DoseMeasurement><DoseRate " +
				"Units='mrem/h'>0.02</DoseRate></DoseMeasurement></DetectorMeasurement>" +
				"<DetectorMeasurement Detector='q'><DoseMeasurement><DoseRate " +
				"Units='\xb5Sv/h'>0,4</DoseRate></DoseMeasurement></DetectorMeasurement></DetectorData></Measurement></N42InstrumentData>",
			2, map[string][]float64{"p": {0.2}, "q": {0.4}}},
		{"2006, in CountDoseData",
			"<N42InstrumentData><Measurement><Spectrum " +
				"Detector='s'><ChannelData>1</ChannelData></Spectrum><CountDoseData><Counts>5</Counts><DoseRate " +
				"Units='nSv/h'>80</DoseRate></CountDoseData></Measurement></N42InstrumentData>",
			1, map[string][]float64{"s": {0.08}}},
	} {
		d := decode(t, c.text)
		if d.Measurements != c.measurements || len(d.Detectors) != len(c.want) {
			t.Errorf("%s: %d measurements by %s", c.name, d.Measurements, detectorsOf(d))
		}
		for _, det := range d.Detectors {
			want := c.want[det.Name]
			var got []float64
			for _, rate := range det.DoseRates {
				got = append(got, math.Round(float64(rate)*1e6)/1e6)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: %s has %v uSv/h, want %v", c.name, det.Name, got, want)
			}
		}
		if c.name != "2006, units" && d.WarningCount > 0 {
			t.Errorf("%s: %q", c.name, d.Warnings)
		}
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]float64{
		"PT1.5S": 1.5, "P1DT1H1M1S": 90061, "PT2M": 120, "0.25": 0.25, "0.25 s": 0.25, "10 sec": 10,
		"P0Y0M0DT0H0M10.500S": 10.5, "P0Y0M0DT1H2M3S": 3723,
		"pt3s": 3, "PT10,5S": 10.5, "PT7": 7, "P10S": 10, "T4S": 4, "00:01:02.5": 62.5, "1:30": 90,
		"PT5.1E-2S": 0.051, "P1W": 604800, "PT0S": 0, "250 ms": 0.25,
		"2 min": 120, "1.5 H": 5400, " PT 1 S ": 1, "PT1H30S": 3630,
	} {
		if got, err := parseDuration(text); err != nil || math.Abs(got-want) > 1e-9 {
			t.Errorf("%q = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"x", "PT-1S", "-4", "PTS", "P", "PT", "PT1X", "10 parsecs",
		"NaN", "Inf", "1e300", "PT1S junk", strings.Repeat("1", 100)} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q = %v", text, got)
		}
	}
}

func TestTimes(t *testing.T) {
	toronto, err := time.LoadLocation("America/Toronto")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"2027-03-04T05:06:07Z": "2027-03-04T05:06:07Z", "2027-03-04T05:06:07.25+01:00": "2027-03-04T04:06:07.25Z",
		"2027-03-04T05:06:07-0500": "2027-03-04T10:06:07Z",
		"2027-03-04T05:06:07.5":    "2027-03-04T10:06:07.5Z", "2027-07-04 05:06:07": "2027-07-04T09:06:07Z",
		"2027-3-4T5:06:07": "2027-03-04T10:06:07Z",
		"20270304T050607":  "2027-03-04T10:06:07Z", "20270304T050607.5Z": "2027-03-04T05:06:07.5Z",
		"3/4/2027 5:06:07 AM": "2027-03-04T10:06:07Z", "04-Mar-2027 05:06:07": "2027-03-04T10:06:07Z",
		"25/3/2027 05:06:07": "2027-03-25T09:06:07Z", "2027-03-04T05:06:07 +02:00": "2027-03-04T03:06:07Z",
		"15-05-2027T18:51:50": "2027-05-15T22:51:50Z", "2027-03-04 05:06:07 UTC": "2027-03-04T05:06:07Z",
	} {
		got, err := parseTime(text, toronto)
		if err != nil || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%q = %s, %v; want %s", text, got.Format(time.RFC3339Nano), err, want)
		}
	}
	for _, text := range []string{"yesterday", "0001-01-01T00:00:00", "1970-01-01T00:00:00Z", "2027-13-01T00:00:00Z"} {
		if got, err := parseTime(text, toronto); err == nil {
			t.Errorf("%q = %s", text, got)
		}
	}
}

// TestWarnings: what is there and cannot be read is said, with its line; the rest of the document is read.
func TestWarnings(t *testing.T) {
	for name, inside := range map[string]string{
		"duration":     "<RealTimeDuration>soon</RealTimeDuration>",
		"live time":    "<Spectrum><LiveTimeDuration>PTxS</LiveTimeDuration></Spectrum>",
		"time":         "<StartDateTime>0001-01-01T00:00:00</StartDateTime>",
		"count":        "<GrossCounts><CountData>many</CountData></GrossCounts>",
		"dose rate":    "<DoseRate><DoseRateValue>low</DoseRateValue></DoseRate>",
		"unit":         "<DoseRate Units='furlong'>1</DoseRate>",
		"speed":        "<RadItemState><StateVector><SpeedValue>fast</SpeedValue></StateVector></RadItemState>",
		"control":      "<Remark>a&#x1C;b</Remark>",
		"coefficients": "<EnergyCalibration><CoefficientValues>a b</CoefficientValues></EnergyCalibration>",
	} {
		d := decode(t,
			doc2011("g:Gamma", "\n<RadMeasurement>"+inside+"</RadMeasurement>\n"+
				measurement(spectrumOf("g", "", "1 2"))))
		if d.GammaCounts != 3 || d.WarningCount != 1 || !strings.HasPrefix(d.Warnings[0].Error(), "line ") {
			t.Errorf("%s: gamma %v, warnings %q", name, d.GammaCounts, d.Warnings)
		}
	}
	d := decode(t,
		doc2011("g:Gamma", strings.Repeat("<RadMeasurement><StartDateTime>x</StartDateTime></RadMeasurement>", 100)))
	if d.WarningCount != 100 || len(d.Warnings) != maxWarnings {
		t.Errorf("%d warnings, %d kept", d.WarningCount, len(d.Warnings))
	}
	if d := decode(t,
		doc2011("g:Gamma",
			"<RadMeasurement><StartDateTime/><RealTimeDuration> </RealTimeDuration></RadMeasurement>")); d.WarningCount != 0 {
		t.Errorf("empty elements: %q", d.Warnings)
	}
}

// TestCharacters: what XML does not allow is replaced.
func TestCharacters(t *testing.T) {
	inside := measurement(spectrumOf("g", "", "1 2"))
	id := func(text string) string {
		return "<RadInstrumentInformation><RadInstrumentIdentifier>" + text +
			"</RadInstrumentIdentifier></RadInstrumentInformation>"
	}
	for name, c := range map[string]struct{ text, serial string }{
		"reference in text":      {doc2011("g:Gamma", id("7&#x1C;8")+inside), "7 8"},
		"decimal reference":      {doc2011("g:Gamma", id("7&#28;8")+inside), "7 8"},
		"reference in attribute": {doc2011("g:Gamma", "<Remark a='&#x1C;&#0;'/>"+id("9")+inside), "9"},
		"a control character":    {doc2011("g:Gamma", id("7\x1c8")+inside), "7 8"},
		"latin-1 undeclared":     {doc2011("g:Gamma", id("7 \xb5")+inside), "7 µ"},
		"no character":           {doc2011("g:Gamma", id("7\xef\xbf\xbf8")+inside), "7 8"},
		"surrogate":              {doc2011("g:Gamma", id("7&#xD800;8")+inside), "7 8"},
		"beyond Unicode":         {doc2011("g:Gamma", id("7&#x7fffffff;8")+inside), "7 8"},
		"XML 1.1":                {"<?xml version='1.1' encoding='utf-8'?>" + doc2011("g:Gamma", id("5")+inside), "5"},
		"good ones stay":         {doc2011("g:Gamma", id("&#x41;&amp;é€😀")+inside), "A&é€😀"},
		"a photograph": {doc2011("g:Gamma", id("6")+"<MultimediaData><BinaryBase64Object>"+
			strings.Repeat("QUJD", maxTextBytes/3)+"</BinaryBase64Object></MultimediaData>"+inside), "6"},
	} {
		d := decode(t, c.text)
		if d.Serial != c.serial || d.GammaCounts != 3 {
			t.Errorf("%s: serial %q, gamma %v, want %q", name, d.Serial, d.GammaCounts, c.serial)
		}
	}
	for name, order := range map[string]bool{"little": true, "big": false} {
		var wide []byte
		for _, c := range []byte(doc2011("g:Gamma", inside)) {
			if order {
				wide = append(wide, c, 0)
			} else {
				wide = append(wide, 0, c)
			}
		}
		if d := decode(t, string(wide)); d.GammaCounts != 3 {
			t.Errorf("UTF-16 without its mark, %s endian: %+v", name, d)
		}
	}
}

// TestCases reads the small files that stand for what was read wrongly, where they are.
func TestCases(t *testing.T) {
	const cases = "../../../../shared/findings/cases"
	for name, want := range map[string]string{
		"n42-01.n42": "VD1:1/10/3 VD2:1/100/4", "n42-03.n42": "gamma:1/10/5", "n42-04.n42": "g:2/104/-",
		"n42-06.n42": "d:0/0/-",
		"n42-09.n42": "Aa1:0/12/- Aa1N:0/0/0 Ba1:0/15/- Ba1N:0/0/1",
	} {
		text, err := os.ReadFile(filepath.Join(cases, name))
		if err != nil {
			t.Skipf("no cases here: %v", err)
		}
		if got := detectorsOf(decode(t, string(text))); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
