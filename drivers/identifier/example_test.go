package identifier_test

import (
	"fmt"

	"lanewarden/drivers/identifier"
)

func ExampleReadings() {
	for _, r := range identifier.Readings("]C01234567") {
		fmt.Println(r.Kind, r.Value, r.Check)
	}
	// Output:
	// cargo-control-number 1234567 none
	// conveyance-reference-number 1234567 none
	// ace-driver-id 1234567 none
	// driver-number 1234567 none
	// seal 1234567 none
}

func ExampleParseContainer() {
	r, err := identifier.ParseContainer("CSQU 305438 4")
	fmt.Println(r.Value, r.Issuer, r.Check, r.Why, err)
	_, err = identifier.ParseContainer("CSQX 305438 3")
	fmt.Println(err)
	// Output:
	// CSQU3054384 CSQ wrong check digit is 4, the rest asks for 3 <nil>
	// container: category: "X", must be U, J or Z
}

func ExampleParseCSA() {
	c, err := identifier.ParseCSA([3]string{"123456782RM0001", "FN55512345", "8080"})
	fmt.Println(c.Carrier.Value, c.Importer.Value, c.Driver.Value, err)
	// Output: 8080 123456782RM0001 FN55512345 <nil>
}

func ExampleUnwrap() {
	s := identifier.Unwrap("\x02]A0*8080*\x03\r\n")
	fmt.Println(s.Text, s.Symbology)
	// Output: 8080 code-39
}

func ExampleParseGS1() {
	elements, err := identifier.ParseGS1("0010614141123456789710LOT7\x1d37100")
	fmt.Println(elements, err)
	// Output: [{00 106141411234567897} {10 LOT7} {37 100}] <nil>
}
