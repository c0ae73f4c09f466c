(* The axioms that the theorems stand on: those of Coq's real numbers and classical logic, and no others. *)

From formal Require Import Unique Radii Lagged Robust Whole Volume.

Print Assumptions Instance.certified.
Print Assumptions Unique.unique.
Print Assumptions Radii.certified_radii.
Print Assumptions Lagged.certified_late.
Print Assumptions Lagged.late_bound.
Print Assumptions Lagged.unstable.
Print Assumptions Robust.certified_mean.
Print Assumptions Whole.ruled_out.
Print Assumptions Whole.mark_below.
Print Assumptions Volume.volume_below.
