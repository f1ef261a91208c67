"""Documents as others read them: XRechnung (UBL, CII), ZUGFeRD, a page of paper; and what the official rules say of them."""
