package pixel_test

import (
	"bytes"
	"fmt"

	"lanewarden/drivers/xray/dicom"
	"lanewarden/drivers/xray/pixel"
)

// small is a DICOM file with an image of three by two pixels of eight bits.
func small() []byte {
	syntax, _ := dicom.SyntaxOf(dicom.ExplicitLE)
	pixels := []byte{0, 10, 20, 30, 40, 255}
	var file bytes.Buffer
	err := dicom.Write(&file, &dicom.File{Syntax: syntax, Dataset: dicom.Dataset{
		dicom.Text(dicom.SOPClassUID, "UI", "1.2.840.10008.5.1.4.1.1.501.2.1"),
		dicom.Text(dicom.SOPInstanceUID, "UI", "1.2.3.4"),
		dicom.Text(0x00280004, "CS", "MONOCHROME2"),
		dicom.Uints(0x00280010, "US", 2), // rows
		dicom.Uints(0x00280011, "US", 3), // columns
		dicom.Uints(0x00280100, "US", 8), // bits allocated
		dicom.Uints(0x00280101, "US", 8), // bits stored
		{Tag: dicom.PixelData, VR: "OB", Length: int64(len(pixels))},
	}}, bytes.NewReader(pixels))
	if err != nil {
		panic(err)
	}
	return file.Bytes()
}

func ExampleImage_Frame() {
	file := small()
	image, err := pixel.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		fmt.Println(err)
		return
	}
	rows, err := image.Frame(0)
	if err != nil {
		fmt.Println(err)
		return
	}
	row := make([]uint16, image.Columns)
	for range image.Rows {
		if err := rows.Next(row); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(row)
	}
	// Output:
	// [0 10 20]
	// [30 40 255]
}
