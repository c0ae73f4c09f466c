(* Where the optimum is: the radii of a certificate, and that there is no second optimum. *)

Require Import Lra Lia Psatz.
From formal Require Export Instance.

(* G e^(-b l) + r l is convex: between two places it is not above both *)
Lemma between : forall G r bb x y w, 0 <= G -> x <= y <= w ->
  G * exp (- bb * y) + r * y <= Rmax (G * exp (- bb * x) + r * x) (G * exp (- bb * w) + r * w).
Proof.
  intros G r bb x y w HG (Hx & Hw).
  pose proof (tangent G bb x y HG) as Tx. pose proof (tangent G bb w y HG) as Tw.
  set (g := G * exp (- bb * y)) in *. destruct (Rle_or_lt 0 (r - g * bb)) as [S|S].
  - apply Rle_trans with (2 := Rmax_r _ _).
    replace (g * (1 + bb * y - bb * w)) with (g - g * bb * (w - y)) in Tw by ring. nra.
  - apply Rle_trans with (2 := Rmax_l _ _).
    replace (g * (1 + bb * y - bb * x)) with (g - g * bb * (x - y)) in Tx by ring. nra.
Qed.

(* of terms that are not negative none exceeds the sum *)
Lemma each_below : forall X (f : type -> X -> R) ks xs most, Forall2 (fun k x => 0 <= f k x) ks xs -> total f ks xs <= most ->
  Forall2 (fun k x => f k x <= most) ks xs.
Proof.
  assert (P : forall X (f : type -> X -> R) ks xs, Forall2 (fun k x => 0 <= f k x) ks xs -> 0 <= total f ks xs).
  { induction 1; simpl; lra. }
  intros X f ks xs most H. revert most. induction H; intros most Hm; constructor; simpl in Hm.
  - pose proof (P _ _ _ _ H0). lra.
  - apply IHForall2. lra.
Qed.

(* what a type's curve has at l tokens above its least value *)
Definition excess T W L M Z k (x : offer * R) := prior k * (curve T W L M Z k x - bracket T W L M Z k (fst x)).

Theorem excess_below : forall T W L M z0 os ls lower upper', proper W -> obeys W L -> holds T W L M z0 os ->
  upper T W L M z0 os <= upper' -> feasible W ls -> meets T W ls -> lower <= J_of T W ls ->
  Forall2 (fun k x => excess T W L M (Z_of L W z0 os) k x <= upper' - lower) (types W) (combine os ls).
Proof.
  intros T W L M z0 os ls lower upper' HW Ho Hh Hu Hf HT HJ. pose proof Hh as (HM & Htilt & Hos).
  pose proof (same_length _ _ _ _ _ Hos) as Eo.
  assert (Hz : Forall (fun o => 0 <= zeta o) os).
  { clear - Hos. unfold holds_at in Hos. induction Hos; constructor; tauto. }
  pose proof (separated T W L M z0 os ls HW Ho HM Hz Htilt Eo Hf HT) as HS.
  pose proof HW as (Hk & _ & Ha). pose proof Hf as (Hls & _). set (Z := Z_of L W z0 os) in *.
  assert (HC : Forall2 (fun k x => prior k * bracket T W L M Z k (fst x) <= prior k * curve T W L M Z k x) (types W) (combine os ls)).
  { apply curve_above; try assumption. eapply Forall_impl; [|exact Hk]. simpl. tauto. }
  apply each_below.
  - eapply weaken; [|exact HC]. intros k x H. unfold excess. lra.
  - unfold upper, upper_at in Hu. fold Z in Hu. unfold mean in *.
    rewrite (total_fst _ _ (fun k o => prior k * bracket T W L M Z k o) _ os ls) in Hu
      by (rewrite <- Eo; apply (same_length _ _ _ _ _ Hls)).
    unfold excess. rewrite (total_eq _ _ (fun k x => 1 * (prior k * curve T W L M Z k x) + -1 * (prior k * bracket T W L M Z k (fst x))))
      by (intros; ring).
    rewrite <- total_sum. lra.
Qed.

(* at the tokens, less a radius or more, the excess is more than the gap, or there the budgets end *)
Definition outside T W L M Z gap k (o : offer) (l radius : R) :=
  (l - radius <= 0 \/ gap < excess T W L M Z k (o, l - radius)) /\
  (cap k <= l + radius \/ gap < excess T W L M Z k (o, l + radius)).

Lemma enclosed : forall T W L M Z gap k o l x radius, proper W -> 0 < prior k -> 0 < A k -> 0 <= zeta o -> 0 <= radius ->
  outside T W L M Z gap k o l radius -> excess T W L M Z k (o, l) <= gap -> 0 <= x <= cap k -> excess T W L M Z k (o, x) <= gap ->
  Rabs (x - l) <= radius.
Proof.
  intros T W L M Z gap k o l x radius (_ & _ & Ha) Hp HA Hz Hr (Hl & Hu) E Hx Ex.
  assert (HG : 0 <= gain T W k o).
  { unfold gain. assert (0 < accuracy_weight T W) by (unfold accuracy_weight; destruct (objective T); lra).
    pose proof (Rmult_lt_0_compat _ _ H HA).
    assert (0 <= zeta o * A k / prior k).
    { unfold Rdiv. apply Rmult_le_pos; [apply Rmult_le_pos; lra | left; apply Rinv_0_lt_compat; lra]. }
    lra. }
  assert (C : forall a y w, a <= y <= w -> excess T W L M Z k (o, a) <= gap -> excess T W L M Z k (o, w) <= gap -> excess T W L M Z k (o, y) <= gap).
  { intros a y w Hy Ea Ew. unfold excess, curve in *. cbn [fst snd] in *.
    pose proof (between (gain T W k o) (slope T W L M Z k o) (b k) a y w HG Hy) as B.
    set (F := fixed T W L M Z k o) in *. set (m := bracket T W L M Z k o) in *.
    revert B. apply Rmax_case; intro B.
    - apply Rle_trans with (2 := Ea). apply Rmult_le_compat_l; lra.
    - apply Rle_trans with (2 := Ew). apply Rmult_le_compat_l; lra. }
  apply Rabs_le. split.
  - destruct Hl as [Hl|Hl]; [lra|]. destruct (Rle_or_lt (- radius) (x - l)) as [G|G]; [assumption|].
    pose proof (C x (l - radius) l ltac:(lra) Ex E). lra.
  - destruct Hu as [Hu|Hu]; [lra|]. destruct (Rle_or_lt (x - l) radius) as [G|G]; [assumption|].
    pose proof (C l (l + radius) x ltac:(lra) E Ex). lra.
Qed.

Theorem within_radii : forall T W L M z0 os tokens radii lower upper', proper W -> obeys W L -> holds T W L M z0 os ->
  upper T W L M z0 os <= upper' -> feasible W tokens -> meets T W tokens -> lower <= J_of T W tokens ->
  Forall (fun r => 0 <= r) radii ->
  Forall2 (fun k '(o, (l, r)) => outside T W L M (Z_of L W z0 os) (upper' - lower) k o l r) (types W) (combine os (combine tokens radii)) ->
  length tokens = length radii ->
  forall ls, feasible W ls -> meets T W ls -> lower <= J_of T W ls ->
  Forall2 (fun l '(token, radius) => Rabs (l - token) <= radius) ls (combine tokens radii).
Proof.
  intros T W L M z0 os tokens radii lower upper' HW Ho Hh Hu Hft HTt HJt Hr Hout Er ls Hf HT HJ.
  pose proof (excess_below _ _ _ _ _ _ _ _ _ HW Ho Hh Hu Hft HTt HJt) as Et.
  pose proof (excess_below _ _ _ _ _ _ _ _ _ HW Ho Hh Hu Hf HT HJ) as El.
  pose proof HW as (Hk & _). destruct Hft as (Htok & _). destruct Hf as (Hls & _). destruct Hh as (_ & _ & Hos).
  set (Z := Z_of L W z0 os) in *. clearbody Z. unfold holds_at in Hos. clear Hu HTt HJt HT HJ.
  revert os tokens radii ls Hr Hout Er Hos Htok Hls Et El Hk. generalize (types W) as ks.
  induction ks as [|k ks IH]; intros os tokens radii ls Hr Hout Er Hos Htok Hls Et El Hk.
  - inversion Hls; inversion Htok; subst. constructor.
  - destruct os as [|o os], tokens as [|t tokens], radii as [|r radii], ls as [|l ls]; try discriminate;
      try solve [inversion Hos]; try solve [inversion Hls]; try solve [inversion Htok].
    simpl in *. inversion Hr; inversion Hout; inversion Hos; inversion Htok; inversion Hls; inversion Et; inversion El; inversion Hk; subst.
    constructor.
    + repeat match goal with H : _ /\ _ |- _ => destruct H end.
      apply (enclosed T W L M Z (upper' - lower) k o t l r HW); auto; split; assumption.
    + apply (IH os); auto.
Qed.

Theorem certified_radii : forall T W L M z0 os xs low high lower upper' tokens radii,
  proof_of T W L M z0 os xs low high upper' -> feasible W tokens -> meets T W tokens -> lower <= J_of T W tokens ->
  Forall (fun r => 0 <= r) radii -> length tokens = length radii ->
  (forall Z, low <= Z <= high ->
    Forall2 (fun k '(o, (l, r)) => outside T W L M Z (upper' - lower) k o l r) (types W) (combine os (combine tokens radii))) ->
  forall ls, feasible W ls -> meets T W ls -> lower <= J_of T W ls ->
  Forall2 (fun l '(token, radius) => Rabs (l - token) <= radius) ls (combine tokens radii).
Proof.
  intros T W L M z0 os xs low high lower upper' tokens radii H Hft HTt HJt Hr Er Hout.
  destruct (most_of_all _ _ _ _ _ _ _ _ _ _ H) as (Hh & Hu). destruct H as [HW Ho _ _ _ HZ _ _].
  apply (within_radii T W L M z0 os tokens radii lower upper'); auto.
Qed.
