package n42

import (
	"fmt"
	"strings"
	"testing"

	"lanewarden/drivers/observation/units"
)

// TestFaultsAreBounded: a document of many faults keeps maxFaults of them.
func TestFaultsAreBounded(t *testing.T) {
	var b strings.Builder
	for i := range 10 * maxFaults {
		fmt.Fprintf(&b,
			"<Fault><FaultCodeValue>%d</FaultCodeValue><FaultSeverityCode>Error</FaultSeverityCode></Fault>", i+1)
	}
	d, err := Decode(strings.NewReader(doc2011("g:Gamma", measurement(spectrumOf("g", "", "1"))+b.String())), nil)
	if err != nil || len(d.Faults) != maxFaults {
		t.Errorf("%d faults, %v", len(d.Faults), err)
	}
}

// TestMeters: exposure rates and total doses are measurements where nothing else is.
func TestMeters(t *testing.T) {
	meter := func(name, value string) string {
		return fmt.Sprintf("<%s radDetectorInformationReference='g'><%sValue>%s</%sValue></%s>",
			name, name, value, name, name)
	}
	for _, c := range []struct {
		name, inside string
		measurements int
		exposure     units.MilliroentgensPerHour
		dose         units.Microsieverts
		warnings     int
	}{
		{"exposure rate", meter("ExposureRate", "3.5"), 1, 3.5, 0, 0},
		{"total dose", meter("TotalDose", "0.75"), 1, 0, .75, 0},
		{"both of one detector", meter("ExposureRate", "3.5") + meter("TotalDose", "0.75"), 1, 3.5, .75, 0},
		{"beside a spectrum", spectrumOf("g", "", "1 2") + meter("ExposureRate", "3.5"), 1, 3.5, 0, 0},
		{"exposure rate of 0", meter("ExposureRate", "0"), 1, 0, 0, 0},
		{"unreadable", meter("ExposureRate", "high"), 0, 0, 0, 1},
		{"less than 0", meter("TotalDose", "-1"), 0, 0, 0, 1},
	} {
		d, err := Decode(strings.NewReader(doc2011("g:Gamma", measurement(c.inside))), nil)
		if err != nil || d.Measurements != c.measurements || d.ExposureRateMax != c.exposure ||
			d.TotalDose != c.dose || d.WarningCount != c.warnings {
			t.Errorf("%s: %+v %v", c.name, d, err)
		}
	}
}

// TestWarningsOfLaterMeasurements: the second measurement's time and detector are checked as the first's are.
func TestWarningsOfLaterMeasurements(t *testing.T) {
	second := strings.Replace(measurement(spectrumOf("x1", "", "3 4")), "2027-03-04T05:06:07Z", "soon", 1)
	d, err := Decode(strings.NewReader(doc2011("g:Gamma", measurement(spectrumOf("g", "", "1 2"))+second)), nil)
	if err != nil || d.WarningCount != 2 || !strings.Contains(d.Warnings[0].Error(), `"soon" is no time`) ||
		!strings.Contains(d.Warnings[1].Error(), `detector "x1" measured, and no RadDetectorInformation`) {
		t.Errorf("%v %v", d.Warnings, err)
	}
}
