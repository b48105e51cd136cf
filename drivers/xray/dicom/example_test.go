package dicom_test

import (
	"bytes"
	"errors"
	"fmt"

	"lanewarden/drivers/xray/dicom"
)

// A threat detection report is written, and read again from the stream.
func Example() {
	const (
		ptoSequence = 0x40101011 // potential threat objects
		assessments = 0x40101038
		category    = 0x40101012
		probability = 0x40101016
	)
	syntax, _ := dicom.SyntaxOf(dicom.ExplicitLE)
	report := &dicom.File{Syntax: syntax, Dataset: dicom.Dataset{
		dicom.Text(dicom.SOPClassUID, "UI", "1.2.840.10008.5.1.4.1.1.501.3"),
		dicom.Text(dicom.SOPInstanceUID, "UI", "1.2.3.4"),
		dicom.Sequence(ptoSequence, dicom.Dataset{
			dicom.Sequence(assessments, dicom.Dataset{
				dicom.Text(category, "CS", "CONTRABAND"),
				dicom.Floats32(probability, 0.5),
			}),
		}),
	}}
	var file bytes.Buffer
	if err := dicom.Write(&file, report, nil); err != nil {
		fmt.Println(err)
		return
	}

	read, err := dicom.ReadHeader(&file)
	if err != nil {
		fmt.Println(err)
		return
	}
	name, isImage, _ := dicom.ClassName(read.Dataset.Find(dicom.SOPClassUID).String())
	fmt.Println(name, isImage)
	threat := read.Dataset.Find(ptoSequence, assessments)
	fmt.Println(threat.Items[0].Find(category), threat.Items[0].Find(probability).Floats())
	// Output:
	// DICOS threat detection report false
	// CONTRABAND [0.5]
}

// An error says where in the file something is wrong.
func ExampleFormatError() {
	_, err := dicom.ReadHeader(bytes.NewReader([]byte("\x08\x00\x16\x00UI\xff\xff1.2")))
	var wrong *dicom.FormatError
	fmt.Println(errors.As(err, &wrong), err)
	// Output: true offset 11, element (0008,0016): file is cut off: 3 of 65535 bytes came
}
