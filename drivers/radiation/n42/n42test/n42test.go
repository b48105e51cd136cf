// Package n42test makes small N42.42 documents of 2011 for tests: wrong ones too, for it puts in what it is given.
package n42test

import (
	"fmt"
	"strings"
)

// Document wraps the inside of a document of 2011. detectors describes each as ID:CATEGORY, separated by blanks.
func Document(detectors, inside string) string {
	var b strings.Builder
	b.WriteString("<RadInstrumentData xmlns='http://physics.nist.gov/N42/2011/N42'>")
	for _, d := range strings.Fields(detectors) {
		id, category, _ := strings.Cut(d, ":")
		fmt.Fprintf(&b, "<RadDetectorInformation id='%s'><RadDetectorCategoryCode>%s</RadDetectorCategoryCode>"+
			"</RadDetectorInformation>", id, category)
	}
	return b.String() + inside + "</RadInstrumentData>"
}

// Measurement is a RadMeasurement of ten seconds in the foreground.
func Measurement(inside string) string {
	return "<RadMeasurement id='M1'><MeasurementClassCode>Foreground</MeasurementClassCode>" +
		"<StartDateTime>2027-03-04T05:06:07Z</StartDateTime><RealTimeDuration>PT10S</RealTimeDuration>" +
		inside + "</RadMeasurement>"
}

// Spectrum is a detector's spectrum of nine seconds live; attributes are those of its element besides the detector.
func Spectrum(detector, attributes, channels string) string {
	return fmt.Sprintf("<Spectrum radDetectorInformationReference='%s' %s><LiveTimeDuration>PT9S</LiveTimeDuration>"+
		"<ChannelData>%s</ChannelData></Spectrum>",
		detector, attributes, channels)
}

// Counts are a detector's gross counts in eight seconds live.
func Counts(detector, attributes, counts string) string {
	return fmt.Sprintf("<GrossCounts radDetectorInformationReference='%s' %s><LiveTimeDuration>PT8S</LiveTimeDuration>"+
		"<CountData>%s</CountData></GrossCounts>",
		detector, attributes, counts)
}
