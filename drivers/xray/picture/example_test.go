package picture_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"

	"lanewarden/drivers/xray/dicom"
	"lanewarden/drivers/xray/picture"
	"lanewarden/drivers/xray/pixel"
)

// wedge opens an image of 400 by 100 pixels of 16 bits that become brighter from left to right.
func wedge() (*pixel.Image, error) {
	const rows, columns = 100, 400
	var pixels []byte
	for range rows {
		for x := range columns {
			pixels = binary.LittleEndian.AppendUint16(pixels, uint16(x*160))
		}
	}
	syntax, _ := dicom.SyntaxOf(dicom.ExplicitLE)
	var file bytes.Buffer
	err := dicom.Write(&file, &dicom.File{Syntax: syntax, Dataset: dicom.Dataset{
		dicom.Text(dicom.SOPClassUID, "UI", "1.2.840.10008.5.1.4.1.1.501.2.1"),
		dicom.Text(dicom.SOPInstanceUID, "UI", "1.2.3.4"),
		dicom.Text(0x00280004, "CS", "MONOCHROME2"),
		dicom.Uints(0x00280010, "US", rows),
		dicom.Uints(0x00280011, "US", columns),
		dicom.Uints(0x00280100, "US", 16), // bits allocated
		dicom.Uints(0x00280101, "US", 16), // bits stored
		{Tag: dicom.PixelData, VR: "OW", Length: int64(len(pixels))},
	}}, bytes.NewReader(pixels))
	if err != nil {
		return nil, err
	}
	return pixel.Open(bytes.NewReader(file.Bytes()), int64(file.Len()))
}

// A preview of at most 200 pixels, dark at the left and bright at the right.
func ExampleDraw() {
	scan, err := wedge()
	if err != nil {
		fmt.Println(err)
		return
	}
	preview, err := picture.Draw(scan, picture.Options{MaxSide: 200})
	if err != nil {
		fmt.Println(err)
		return
	}
	left, _, _, _ := preview.At(0, 25).RGBA()
	right, _, _, _ := preview.At(199, 25).RGBA()
	fmt.Println(preview.Bounds().Size(), left>>8, right>>8)
	// Output: (200,50) 0 255
}

// A region as it was measured.
func ExampleExact() {
	scan, err := wedge()
	if err != nil {
		fmt.Println(err)
		return
	}
	region, err := picture.Exact(scan, image.Rect(10, 0, 12, 1))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(region.Gray16At(region.Rect.Min.X, region.Rect.Min.Y).Y,
		region.Gray16At(region.Rect.Min.X+1, region.Rect.Min.Y).Y)
	// Output: 1600 1760
}
