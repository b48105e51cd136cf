package n42

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"lanewarden/drivers/driver/drivertest"
)

// repeated is n times one text, as a stream: the test itself must not cost memory.
type repeated struct {
	text string
	n    int
	left string
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.left == "" {
		if r.n == 0 {
			return 0, io.EOF
		}
		r.n--
		r.left = r.text
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}

func times(n int, text string) io.Reader { return &repeated{text: text, n: n} }

// TestBombs holds hostile documents of some MB to 30 MB against the bound on memory. Most of them are read, or
// refused, as they must be; what counts here is what they cost.
func TestBombs(t *testing.T) {
	drivertest.WithoutRace(t)
	const open, end = "<RadInstrumentData>", "</RadInstrumentData>"
	slice := "<RadMeasurement><StartDateTime>2027-01-02T03:04:05Z</StartDateTime><Spectrum " +
		"radDetectorInformationReference='D%s'><ChannelData>" +
		strings.Repeat("1 ", 512) + "</ChannelData></Spectrum></RadMeasurement>"
	long := strings.Repeat("x", 1<<16)
	for name, parts := range map[string][]io.Reader{
		"attributes": {strings.NewReader("<RadInstrumentData "), times(1_000_000, "a='123456' "),
			strings.NewReader(">" + end)},
		"bare attributes": {strings.NewReader("<RadInstrumentData "), times(5_000_000, "a "),
			strings.NewReader(">" + end)},
		"many attributes": {strings.NewReader(open), times(300, "<Remark "+strings.Repeat("a='1' ", 2000)+"/>"),
			strings.NewReader(end)},
		"deep": {strings.NewReader(open), times(5_000_000, "<a>")},
		"attribute": {strings.NewReader("<RadInstrumentData a='"), times(20_000_000, "x"),
			strings.NewReader("'>" + end)},
		"name": {strings.NewReader("<"), times(20_000_000, "x"), strings.NewReader(">" + end)},
		"text": {strings.NewReader(open + "<Remark>"), times(10_000_000, "x"),
			strings.NewReader("</Remark>" + end)},
		"channels": {strings.NewReader(open + "<RadMeasurement><Spectrum><ChannelData>"),
			times(10_000_000, "1 "), strings.NewReader("</ChannelData></Spectrum></RadMeasurement>" + end)},
		"comment": {strings.NewReader(open + "<!--"), times(20_000_000, "x"), strings.NewReader("-->" + end)},
		"cdata": {strings.NewReader(open + "<Remark><![CDATA["), times(20_000_000, "x"),
			strings.NewReader("]]></Remark>" + end)},
		"doctype": {strings.NewReader("<!DOCTYPE x ["), times(20_000_000, "x"),
			strings.NewReader("]>" + open + end)},
		"entities": {strings.NewReader(open + "<Remark>"), times(1_000_000, "&#x1c;"),
			strings.NewReader("</Remark>" + end)},
		"elements":       {strings.NewReader(open), times(150_000, "<a b='1'/>"), strings.NewReader(end)},
		"large document": {strings.NewReader(open), times(25_000, fmt.Sprintf(slice, "1")), strings.NewReader(end)},
		"long names":     {strings.NewReader(open), times(100, fmt.Sprintf(slice, long)), strings.NewReader(end)},
		"derived": {strings.NewReader(open),
			times(20_000, "<DerivedData><Spectrum id='"+strings.Repeat("i", 50)+
				"'><ChannelData>1 2 3</ChannelData></Spectrum></DerivedData>"), strings.NewReader(end)},
		"derived in one": {strings.NewReader(open + "<DerivedData>"),
			times(2_000, "<Spectrum><ChannelData compressionCode='CountedZeroes'>0 131071 1</ChannelData></Spectrum>"), strings.NewReader("</DerivedData>" + end)},
		"zeroes": {strings.NewReader(open + "<RadMeasurement>"),
			times(200, "<Spectrum><ChannelData compressionCode='CountedZeroes'>0 131071 1</ChannelData></Spectrum>"),
			strings.NewReader("</RadMeasurement>" + end)},
		"warnings": {strings.NewReader(open),
			times(40_000, "<RadMeasurement><RealTimeDuration>x</RealTimeDuration></RadMeasurement>"),
			strings.NewReader(end)},
		"dose rates": {strings.NewReader(open),
			times(30_000, "<RadMeasurement><DoseRate><DoseRateValue>1</DoseRateValue></DoseRate></RadMeasurement>"),
			strings.NewReader(end)},
	} {
		t.Run(name, func(t *testing.T) {
			visit := func(*Measurement) error { return nil }
			cost := drivertest.Memory(t, func() { _, _ = Decode(io.MultiReader(parts...), visit) })
			t.Logf("%d MB", cost>>20)
			if cost > drivertest.MaxDocumentBytes {
				t.Errorf("costs %d MB, more than %d", cost>>20, int64(drivertest.MaxDocumentBytes)>>20)
			}
		})
	}
}
