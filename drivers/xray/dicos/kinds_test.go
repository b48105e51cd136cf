package dicos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/xray/dicom"
	"lanewarden/drivers/xray/dimse"
)

const storageRoot = "1.2.840.10008.5.1.4.1.1."

// takenAs has the driver take an object, and returns what it committed.
func takenAs(t *testing.T, raw []byte) (*drivertest.Sink, error) {
	t.Helper()
	s := newSystem(*settings("", ""), driver.Env{}, time.UTC)
	sink := drivertest.NewSink()
	return sink, s.handleObject(context.Background(), sink, bytes.NewReader(raw), "x.dcm", "test")
}

// ofClass is the sample image as an object of another class, with or without its pixels.
func ofClass(class string, pixels bool) dicom.Dataset {
	d, _ := sampleImage()
	d = replace(d, dicom.Text(dicom.SOPClassUID, "UI", class))
	if pixels {
		return d
	}
	var out dicom.Dataset
	for _, e := range d {
		if e.Tag != dicom.PixelData && e.Tag != tagRows && e.Tag != tagColumns {
			out = append(out, e)
		}
	}
	return out
}

// TestNoImages: reports, plans and documents are refused by name, whatever they carry; images of any class are taken.
func TestNoImages(t *testing.T) {
	_, pixels := sampleImage()
	for _, c := range []struct {
		class  string
		pixels bool
		words  string // "" for an image
	}{
		{storageRoot + "88.11", false, "structured report"},
		{storageRoot + "88.67", false, "radiation dose report"},
		{storageRoot + "104.1", false, "encapsulated PDF"},
		{storageRoot + "11.1", false, "presentation state"},
		{storageRoot + "481.5", false, "radiotherapy plan"},
		{storageRoot + "66", false, "raw data"},
		{storageRoot + "66.4", true, "segmentation"},
		{storageRoot + "88.59", true, "key object"},
		{"1.2.840.10008.1.3.10", false, "DICOMDIR"},
		{"1.2.3.4", false, "without pixels"},
		{"1.2.3.4", true, ""},
		{storageRoot + "2", true, ""},
		{storageRoot + "7", true, ""},
		{storageRoot + "1.1", true, ""},
		{storageRoot + "501.1", true, ""},
	} {
		p := pixels
		if !c.pixels {
			p = nil
		}
		raw := encode(t, ofClass(c.class, c.pixels), p)
		sink, err := takenAs(t, raw)
		images := len(sink.Of(observation.Kind_KIND_XRAY_IMAGE))
		d, describeErr := describe(bytes.NewReader(raw), "x.dcm")
		if describeErr != nil {
			t.Fatal(describeErr)
		}
		text := message.Join("\n", d.Text()...).English()
		var bad *dicom.FormatError
		switch {
		case c.words == "" && (err != nil || images != 1 || strings.Contains(text, "no image")):
			t.Errorf("%s: %d images, %v\n%s", c.class, images, err, text)
		case c.words != "" && (images != 0 || !errors.As(err, &bad) || !strings.Contains(err.Error(), c.words) ||
			!strings.Contains(text, c.words)):
			t.Errorf("%s: %d images, %v\n%s", c.class, images, err, text)
		}
	}
}

// compressed is the sample image with compressed pixels of a transfer syntax.
func compressed(t *testing.T, syntax string) []byte {
	d, pixels := sampleImage()
	raw := encode(t, d, pixels)
	at, begin := bytes.Index(raw, []byte("\xe0\x7f\x10\x00OW")), bytes.Index(raw, []byte("\x08\x00\x16\x00UI"))
	var b bytes.Buffer
	if err := dicom.WriteMeta(&b, storageRoot+"501.2.1", "1.2.3.1", dicom.Syntax{UID: syntax}); err != nil {
		t.Fatal(err)
	}
	b.Write(raw[begin:at])
	b.WriteString(
		"\xe0\x7f\x10\x00OB\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\x00\x00\x00\x00\xfe\xff\x00\xe0\x04\x00\x00\x00abcd\xfe\xff\xdd\xe0\x00\x00\x00\x00")
	return b.Bytes()
}

// TestAnySyntaxIsKept: the header of any compressed image is read and the object kept, whether there will be a
// picture of it or not.
func TestAnySyntaxIsKept(t *testing.T) {
	for _, syntax := range []string{
		dicom.JPEGBaseline, dicom.JPEGExtended, "1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.91",
		"1.2.840.10008.1.2.4.102", "1.2.840.10008.1.2.4.201",
		"1.2.840.10008.1.2.4.999", "1.2.840.10008.1.2.8.1", "1.3.46.670589.33.1.4.1",
	} {
		raw := compressed(t, syntax)
		sink, err := takenAs(t, raw)
		images := sink.Of(observation.Kind_KIND_XRAY_IMAGE)
		if err != nil || len(images) != 1 {
			t.Errorf("%s: %d images, %v", syntax, len(images), err)
			continue
		}
		if i := images[0].Body.GetXrayImage(); i.Rows != 32 || i.Columns != 64 || i.TransferSyntax != syntax {
			t.Errorf("%s: %v", syntax, i)
		}
		d, err := describe(bytes.NewReader(raw), "x")
		if err != nil {
			t.Fatal(err)
		}
		rendered := syntax == dicom.JPEGBaseline
		if text := message.Join("\n", d.Text()...).English(); strings.Contains(text, "not rendered") == rendered {
			t.Errorf("%s: %s", syntax, text)
		}
	}
}

// TestAccept: by network the classes of DICOS are taken, and plain X-ray images when the setting says so.
func TestAccept(t *testing.T) {
	for accept, want := range map[string]int{"dicos": 1, "images": 3} {
		t.Run(accept, func(t *testing.T) {
			address := drivertest.FreeAddress(t)
			c := settings("", address)
			c.Network.Accept = accept
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, sink, stop := drivertest.Supervise(ctx, t, Spec, c)
			defer stop()
			for n, class := range []string{storageRoot + "501.2.1", storageRoot + "2", storageRoot + "7",
				storageRoot + "88.11"} {
				push(ctx, t, address, class, fmt.Sprintf("1.2.3.%d", n))
			}
			if n := len(sink.Of(observation.Kind_KIND_XRAY_IMAGE)); n != want {
				t.Errorf("%d images, want %d", n, want)
			}
		})
	}
}

// push offers an object of a class, and sends it when its class is accepted.
func push(ctx context.Context, t *testing.T, address, class, instance string) {
	t.Helper()
	d, pixels := sampleImage()
	d = replace(replace(d, dicom.Text(dicom.SOPClassUID, "UI", class)),
		dicom.Text(dicom.SOPInstanceUID, "UI", instance))
	syntax, _ := dicom.SyntaxOf(dicom.ExplicitLE)
	var b bytes.Buffer
	if err := dicom.WriteDataset(&b, &dicom.File{Syntax: syntax, Dataset: d}, bytes.NewReader(pixels)); err != nil {
		t.Fatal(err)
	}
	client, err := dimse.Dial(ctx, address, "TEST", "LANE", dimse.Offer{Class: class, Syntax: syntax.UID})
	for err != nil && ctx.Err() == nil && !errors.Is(err, dimse.ErrRejected) { // it is not listening yet
		<-time.After(20 * time.Millisecond)
		client, err = dimse.Dial(ctx, address, "TEST", "LANE", dimse.Offer{Class: class, Syntax: syntax.UID})
	}
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	status, comment, err := client.Store(dimse.Object{Class: class, Instance: instance, Syntax: syntax, Data: &b})
	t.Logf("%s: %04x %s %v", class, uint16(status), comment, err)
}

// TestCases reads the small files that stand for what was read wrongly, where they are.
func TestCases(t *testing.T) {
	for name, images := range map[string]int{"dicom-01.dcm": 1, "dicom-02.dcm": 0} {
		raw, err := os.ReadFile("../../../../shared/findings/cases/" + name)
		if err != nil {
			t.Skipf("no cases here: %v", err)
		}
		sink, err := takenAs(t, raw)
		got := sink.Of(observation.Kind_KIND_XRAY_IMAGE)
		if len(got) != images || (err == nil) != (images == 1) {
			t.Errorf("%s: %d images, %v", name, len(got), err)
		}
		if images == 1 && (got[0].Body.GetXrayImage().Rows != 16 || got[0].Body.GetXrayImage().Columns != 16) {
			t.Errorf("%s: %v", name, got[0])
		}
	}
}
