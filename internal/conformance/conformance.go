// Package conformance compares the product with other programs that do the same. It holds tests, and what the tests of other packages need to
// call such a program; each is skipped with a plain message where the program is not at hand.
//
// pySigma, the reference implementation of the Sigma project, is had with
//
//	python3 -m venv ENV && ENV/bin/pip install -r internal/conformance/requirements.txt
//	CONTRAIL_PYTHON=$PWD/ENV/bin/python go test ./internal/conformance
//
// Every difference stands in a table under testdata with its count and its reason; a new one, a gone one and one
// without a reason fail. With -update the rules are chosen again and the counts written; the reasons are for people.
package conformance
