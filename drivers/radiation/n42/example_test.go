package n42_test

import (
	"fmt"
	"strings"

	"lanewarden/drivers/radiation/n42"
)

const document = `<?xml version="1.0"?>
<RadInstrumentData xmlns="http://physics.nist.gov/N42/2011/N42">
  <RadInstrumentInformation>
    <RadInstrumentManufacturerName>Example</RadInstrumentManufacturerName>
    <RadInstrumentModelName>Portal 1</RadInstrumentModelName>
  </RadInstrumentInformation>
  <RadDetectorInformation id="g"><RadDetectorCategoryCode>Gamma</RadDetectorCategoryCode></RadDetectorInformation>
  <RadMeasurement id="M1">
    <MeasurementClassCode>Foreground</MeasurementClassCode>
    <StartDateTime>2027-03-04T05:06:07Z</StartDateTime>
    <RealTimeDuration>PT10S</RealTimeDuration>
    <Spectrum radDetectorInformationReference="g">
      <LiveTimeDuration>PT9.5S</LiveTimeDuration>
      <ChannelData compressionCode="CountedZeroes">0 3 5 7 0 2</ChannelData>
    </Spectrum>
  </RadMeasurement>
</RadInstrumentData>`

func ExampleDecode() {
	d, err := n42.Decode(strings.NewReader(document), func(m *n42.Measurement) error {
		fmt.Println(m.Detector, m.Class, m.Channels)
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s of %s %s: %d spectrum of %d channels, %.0f counts\n", d.Format, d.Manufacturer, d.Model,
		d.Spectra, d.Channels, d.GammaCounts)
	// Output:
	// g Foreground [0 0 0 5 7 0 0]
	// n42-2011 of Example Portal 1: 1 spectrum of 7 channels, 12 counts
}

// What an instrument says of itself, and what could not be read, stand beside what it measured.
func ExampleDocument_Problems() {
	d, err := n42.Decode(strings.NewReader(`<RadInstrumentData>
<RadMeasurement><Spectrum><ChannelData>1 2</ChannelData></Spectrum>
<RadInstrumentState><Fault><FaultCodeValue>9</FaultCodeValue><FaultSeverityCode>Fatal</FaultSeverityCode>
<FaultDescription>high voltage</FaultDescription></Fault></RadInstrumentState>
</RadMeasurement>
<RadMeasurement><Spectrum><ChannelData>1 x</ChannelData></Spectrum></RadMeasurement>
</RadInstrumentData>`), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	texts, _ := d.Problems()
	for _, text := range texts {
		fmt.Println(text)
	}
	// Output:
	// the instrument reports a fault 9 Fatal: high voltage
	// line 6: the spectrum of detector "" is left out: channel 1: "x" is not a count
}
