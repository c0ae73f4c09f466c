(* The mean of several workloads. Of each type the draws' curves add up to one that a parabola at the tokens is below:
   `least` of cvxtoken/verifier/robust.py. *)

Require Import Lra Lia Psatz.
From Coquelicot Require Import Coquelicot.
From formal Require Export Instance.

(* one exponential is above a parabola up to `stop` *)
Lemma mean_value : forall f f' x, f 0 = 0 -> (forall u, is_derive f u (f' u)) ->
  exists u, f x = f' u * x /\ (0 <= u <= x \/ x <= u <= 0).
Proof.
  intros f f' x H0 Hd. destruct (Rtotal_order x 0) as [N|[->|P]].
  - destruct (MVT_cor2 f f' x 0 N) as (u & E & Hu). { intros u _. apply is_derive_Reals, Hd. } exists u. split; [lra|right; lra].
  - exists 0. split; [lra|left; lra].
  - destruct (MVT_cor2 f f' 0 x P) as (u & E & Hu). { intros u _. apply is_derive_Reals, Hd. } exists u. split; [lra|left; lra].
Qed.

Lemma parabola : forall x, 0 <= x -> 1 + x + x ^ 2 / 2 <= exp x.
Proof.
  intros x Hx. destruct (mean_value (fun u => exp u - (1 + u + u ^ 2 / 2)) (fun u => exp u - (1 + u)) x) as (u & E & Hu).
  - rewrite exp_0. lra.
  - intro u. auto_derive; [trivial|ring || field].
  - pose proof (exp_above u). assert (0 <= (exp u - (1 + u)) * x) by (apply Rmult_le_pos; lra). lra.
Qed.

Lemma parabola_left : forall x, 0 <= x -> 1 - x + exp (- x) * (x ^ 2 / 2) <= exp (- x).
Proof.
  intros x Hx. destruct (mean_value (fun u => 1 - (1 - u) * exp u - u ^ 2 / 2) (fun u => u * exp u - u) x) as (u & E & Hu).
  - rewrite exp_0. lra.
  - intro u. auto_derive; [trivial|ring || field].
  - pose proof (exp_above u). assert (0 <= u * (exp u - 1)) by (apply Rmult_le_pos; lra).
    assert (0 <= (u * exp u - u) * x) by (apply Rmult_le_pos; lra).
    assert (G : (1 - x) * exp x + x ^ 2 / 2 <= 1) by lra.
    pose proof (exp_pos (- x)). apply (Rmult_le_compat_l (exp (- x))) in G; [|lra].
    replace (exp (- x) * ((1 - x) * exp x + x ^ 2 / 2)) with ((1 - x) * (exp (- x) * exp x) + exp (- x) * (x ^ 2 / 2)) in G by ring.
    rewrite <- exp_plus in G. replace (- x + x) with 0 in G by ring. rewrite exp_0 in G. lra.
Qed.

Lemma curved : forall bb l p stop, 0 < bb -> l <= stop -> p <= stop ->
  exp (- bb * p) * (1 - bb * (l - p)) + bb ^ 2 * exp (- bb * stop) / 2 * (l - p) ^ 2 <= exp (- bb * l).
Proof.
  intros bb l p stop Hb Hl Hp. set (x := bb * (p - l)).
  assert (E : exp (- bb * l) = exp (- bb * p) * exp x) by (unfold x; rewrite <- exp_plus; f_equal; ring).
  replace (exp (- bb * p) * (1 - bb * (l - p)) + bb ^ 2 * exp (- bb * stop) / 2 * (l - p) ^ 2)
    with (exp (- bb * p) * (1 + x) + exp (- bb * stop) * (x ^ 2 / 2)) by (unfold x; field).
  assert (M : forall u, u <= stop -> exp (- bb * stop) <= exp (- bb * u)).
  { intros u Hu. destruct (Rle_lt_or_eq_dec u stop Hu) as [N| ->]; [left; apply exp_increasing; nra | right; reflexivity]. }
  pose proof (M l Hl) as M1. pose proof (M p Hp) as M2. assert (0 <= x ^ 2 / 2) by nra. pose proof (exp_pos (- bb * p)).
  destruct (Rle_or_lt 0 x) as [X|X].
  - pose proof (parabola x X). rewrite E.
    apply Rle_trans with (exp (- bb * p) * (1 + x) + exp (- bb * p) * (x ^ 2 / 2)).
    + apply Rplus_le_compat_l, Rmult_le_compat_r; assumption.
    + rewrite <- Rmult_plus_distr_l. apply Rmult_le_compat_l; lra.
  - pose proof (parabola_left (- x) ltac:(lra)) as P. rewrite Ropp_involutive in P.
    apply Rle_trans with (exp (- bb * p) * (1 + x) + exp (- bb * l) * (x ^ 2 / 2)).
    + apply Rplus_le_compat_l, Rmult_le_compat_r; assumption.
    + rewrite E, Rmult_assoc, <- Rmult_plus_distr_l. apply Rmult_le_compat_l; [lra|].
      replace (- - x) with x in P by ring. replace ((- x) ^ 2) with (x ^ 2) in P by ring. lra.
Qed.

Lemma completed : forall value s mm d, 0 < mm -> value - s ^ 2 / (2 * mm) <= value + s * d + mm / 2 * d ^ 2.
Proof.
  intros value s mm d Hm.
  replace (value - s ^ 2 / (2 * mm)) with (value + s * d + mm / 2 * d ^ 2 - mm / 2 * (d + s / mm) ^ 2) by (field; lra).
  pose proof (Rle_0_sqr (d + s / mm)). unfold Rsqr in *. nra.
Qed.

(* g e^(-rate l) + s l + f, and a sum of such curves *)
Record wave := Wave { g : R; rate : R; s : R; f : R }.
Definition height_of w l := g w * exp (- rate w * l) + s w * l + f w.
Definition rising_of w l := s w - g w * rate w * exp (- rate w * l).
Definition bend_of w l := g w * rate w ^ 2 * exp (- rate w * l).
Definition over (h : wave -> R -> R) ws l := fold_right (fun w sum => h w l + sum) 0 ws.
Definition height := over height_of.
Definition rising := over rising_of.
Definition bend := over bend_of.
Definition good ws := Forall (fun w => 0 < g w /\ 0 < rate w) ws.

Lemma height_tangent : forall ws p l, good ws -> height ws p + rising ws p * (l - p) <= height ws l.
Proof.
  intros ws p l H. unfold height, rising, over. induction H as [|w ws (Hg & Hr) H IH]; simpl; [lra|].
  pose proof (tangent (g w) (rate w) l p ltac:(lra)). unfold height_of, rising_of in *. lra.
Qed.

Lemma height_curved : forall ws p l stop, good ws -> l <= stop -> p <= stop ->
  height ws p + rising ws p * (l - p) + bend ws stop / 2 * (l - p) ^ 2 <= height ws l.
Proof.
  intros ws p l stop H Hl Hp. unfold height, rising, bend, over. induction H as [|w ws (Hg & Hr) H IH]; simpl; [lra|].
  pose proof (curved (rate w) l p stop Hr Hl Hp) as C. apply (Rmult_le_compat_l (g w)) in C; [|lra].
  unfold height_of, rising_of, bend_of in *. lra.
Qed.

Inductive place := AtZero | AtCap | Between (stop : R).
Definition least_wave ws p pl := match pl with
  | AtZero | AtCap => height ws p
  | Between stop => height ws p - rising ws p ^ 2 / (2 * bend ws stop) end.
Definition least_wave_holds ws p cap_ pl := match pl with
  | AtZero => p = 0 /\ 0 <= rising ws p
  | AtCap => p = cap_ /\ rising ws p <= 0
  | Between stop => p <= stop /\ 0 < bend ws stop /\ (cap_ <= stop \/ 0 <= rising ws stop) end.

Theorem wave_below : forall ws p cap_ pl l, good ws -> 0 <= l <= cap_ -> least_wave_holds ws p cap_ pl -> least_wave ws p pl <= height ws l.
Proof.
  intros ws p cap_ pl l Hg Hl H. destruct pl; simpl in *.
  - destruct H as (-> & H). pose proof (height_tangent ws 0 l Hg). nra.
  - destruct H as (-> & H). pose proof (height_tangent ws cap_ l Hg). nra.
  - destruct H as (Hp & Hm & H). destruct (Rle_or_lt l stop) as [S|S].
    + apply Rle_trans with (2 := height_curved ws p l stop Hg S Hp). apply completed. assumption.
    + destruct H as [H|H]; [lra|].
      apply Rle_trans with (height ws stop).
      * apply Rle_trans with (2 := height_curved ws p stop stop Hg ltac:(lra) Hp). apply completed. assumption.
      * pose proof (height_tangent ws stop l Hg). nra.
Qed.

(* a draw with its prices, and numbers between which its coupling lies *)
Record draw := Draw { d_W : workload; d_L : form; d_z0 : R; d_prices : list price; d_low : R; d_high : R }.
Definition d_Z d := coupling (d_L d) (d_W d) (d_z0 d) (d_prices d).
Definition waves d Z := map (fun kp => Wave (prior (fst kp) * (alpha (d_W d) * A (fst kp))) (b (fst kp))
  (prior (fst kp) * delay_slope (d_L d) (d_W d) 1 0 0 Z (fst kp) (snd kp))
  (prior (fst kp) * delay_fixed (d_L d) (d_W d) 1 0 0 Z (fst kp) (snd kp))) (combine (types (d_W d)) (d_prices d)).
Definition d_constant d Z := alpha (d_W d) * mean (fun k _ => A k + D k) (d_W d) (d_prices d) - delay_constant (d_L d) (d_W d) 1 (d_z0 d) Z.

Fixpoint row_height (ws : list wave) (ls : list R) := match ws, ls with w :: ws, l :: ls => height_of w l + row_height ws ls | _, _ => 0 end.
Fixpoint columns (n : nat) (rows : list (list wave)) : list (list wave) := match rows with
  | [] => repeat [] n
  | row :: rows => map (fun x => fst x :: snd x) (combine row (columns n rows)) end.
Fixpoint columns_height (cs : list (list wave)) (ls : list R) := match cs, ls with c :: cs, l :: ls => height c l + columns_height cs ls | _, _ => 0 end.

Lemma columns_length : forall n rows, Forall (fun r => length r = n) rows -> length (columns n rows) = n.
Proof. intros n rows H. induction H; simpl; [apply repeat_length|]. rewrite map_length, combine_length. lia. Qed.

Lemma columns_sum : forall n rows ls, Forall (fun r => length r = n) rows -> length ls = n ->
  fold_right (fun r sum => row_height r ls + sum) 0 rows = columns_height (columns n rows) ls.
Proof.
  intros n rows ls H E. induction H as [|r rows Hr H IH]; simpl.
  - rewrite <- E. clear. unfold height, over. induction ls; simpl; [reflexivity|]. rewrite <- IHls. lra.
  - rewrite IH. pose proof (columns_length n rows H) as C. clear IH H. revert r ls Hr E C. generalize (columns n rows).
    induction n; intros [|c cs] [|w r] [|l ls]; simpl; intros; try discriminate; try lra.
    specialize (IHn cs r ls ltac:(lia) ltac:(lia) ltac:(lia)). unfold height, over in *. simpl. lra.
Qed.

Lemma draw_below : forall d ls, proper (d_W d) -> obeys (d_W d) (d_L d) -> length (types (d_W d)) = length (d_prices d) -> feasible (d_W d) ls ->
  J (d_W d) ls <= d_constant d (d_Z d) - row_height (waves d (d_Z d)) ls.
Proof.
  intros d ls HW Ho Ep (Hls & Hy). pose proof (proper_priors _ HW) as HT. destruct HW as (Hk & Hlam & Ha).
  pose proof (same_length _ _ _ _ _ Hls) as El.
  pose proof (delay_below (d_W d) (d_L d) 1 0 0 (d_z0 d) (d_prices d) ls HT Hlam Ho ltac:(lra) Ep El Hy) as HD.
  fold (d_Z d) in HD. set (Z := d_Z d) in *. unfold J, d_constant. rewrite (accuracy_parts _ (d_W d) (d_prices d) ls Ep El).
  assert (E : row_height (waves d Z) ls = mean (fun k x => delay_parts (d_L d) (d_W d) 1 0 0 Z k (fst x) (snd x)) (d_W d) (combine (d_prices d) ls)
    + alpha (d_W d) * total (fun k x => prior k * (A k * exp (- b k * snd x))) (types (d_W d)) (combine (d_prices d) ls)).
  { clearbody Z. clear - Ep El. unfold waves, mean. revert Ep El. generalize (d_prices d) as ps. revert ls. 
    induction (types (d_W d)) as [|k ks IH]; intros [|l ls] [|p ps] Ep El; simpl in *; try discriminate; try lra.
    rewrite (IH ls ps) by lia. unfold height_of, delay_parts. simpl. ring. }
  lra.
Qed.

Record good_draw d : Prop := Good_draw { its_W : proper (d_W d); its_L : obeys (d_W d) (d_L d);
  its_prices : length (types (d_W d)) = length (d_prices d); its_Z : d_low d <= d_Z d <= d_high d }.

Lemma columns_good : forall n rows, Forall good rows -> Forall good (columns n rows).
Proof.
  intros n rows H. induction H as [|r rows Hr H IH]; simpl.
  - induction n; simpl; constructor; [constructor|assumption].
  - revert IH Hr. generalize (columns n rows). revert r. clear. induction r as [|w r IHr]; intros [|c cs] IH Hr; simpl; constructor.
    + inversion IH; inversion Hr; subst. constructor; assumption.
    + inversion IH; inversion Hr; subst. apply IHr; assumption.
Qed.

Lemma waves_good : forall d Z, proper (d_W d) -> good (waves d Z).
Proof.
  intros d Z (Hk & _ & Ha). unfold good, waves. generalize (d_prices d) as ps. induction Hk as [|k ks (Hp & HA & Hb & _) Hk IH]; intros [|p ps]; simpl; constructor; auto.
  simpl. split; [|assumption]. apply Rmult_lt_0_compat; [assumption|]. apply Rmult_lt_0_compat; assumption.
Qed.

(* of each type: the tokens, the largest budget, where its least value is, a number below that *)
Record column := Column { p_of : R; cap_of : R; place_of : place; x_of : R }.

Theorem certified_mean : forall draws cols most, draws <> [] -> Forall good_draw draws ->
  Forall (fun d => map cap (types (d_W d)) = map cap_of cols) draws ->
  (forall Zs, Forall2 (fun d Z => d_low d <= Z <= d_high d) draws Zs ->
    Forall2 (fun ws c => least_wave_holds ws (p_of c) (cap_of c) (place_of c) /\ x_of c <= least_wave ws (p_of c) (place_of c))
      (columns (length cols) (map (fun dZ => waves (fst dZ) (snd dZ)) (combine draws Zs))) cols) ->
  (forall Zs, Forall2 (fun d Z => d_low d <= Z <= d_high d) draws Zs ->
    fold_right Rplus 0 (map (fun dZ => d_constant (fst dZ) (snd dZ)) (combine draws Zs)) - fold_right Rplus 0 (map x_of cols)
      <= INR (length draws) * most) ->
  forall ls, Forall (fun W => feasible W ls) (map d_W draws) -> J_mean (map d_W draws) ls <= most.
Proof.
  intros draws cols most HN Hd Hcap Hcols Hsum ls Hf. set (Zs := map d_Z draws).
  assert (HZ : Forall2 (fun d Z => d_low d <= Z <= d_high d) draws Zs).
  { unfold Zs. clear - Hd. induction Hd; simpl; constructor; [apply H | assumption]. }
  specialize (Hcols Zs HZ). specialize (Hsum Zs HZ).
  assert (El : Forall2 (fun c l => 0 <= l <= cap_of c) cols ls).
  { destruct draws as [|d draws]; [congruence|]. inversion Hcap; inversion Hf; subst. destruct H5 as (Hls & _).
    clear - H1 Hls. revert cols H1. induction Hls; intros [|c cols] E; simpl in *; try discriminate; constructor; injection E; intros; subst; auto.
    rewrite <- H1. assumption. }
  assert (En : length cols = length ls) by (apply (same_length _ _ _ _ _ El)).
  set (rows_ := map (fun dZ => waves (fst dZ) (snd dZ)) (combine draws Zs)) in *.
  assert (Hrows : Forall (fun r => length r = length cols) rows_ /\ Forall good rows_).
  { unfold rows_, Zs. clear - Hd Hcap. induction Hd as [|d ds G Hd IH]; simpl; [split; constructor|]. inversion Hcap; subst.
    destruct (IH H2) as (I1 & I2). split; constructor; try assumption.
    - simpl. unfold waves. rewrite map_length, combine_length, <- (its_prices d G). rewrite Nat.min_id.
      rewrite <- (map_length cap), H1, map_length. reflexivity.
    - apply waves_good, G. }
  destruct Hrows as (Hn & Hg).
  assert (HJ : fold_right Rplus 0 (map (fun W => J W ls) (map d_W draws)) <=
    fold_right Rplus 0 (map (fun dZ => d_constant (fst dZ) (snd dZ)) (combine draws Zs)) - fold_right (fun r sum => row_height r ls + sum) 0 rows_).
  { unfold rows_, Zs. clear - Hd Hf. induction Hd as [|d ds G Hd IH]; simpl in *; [lra|]. inversion Hf; subst.
    specialize (IH H2). pose proof (draw_below d ls (its_W d G) (its_L d G) (its_prices d G) H1). lra. }
  rewrite (columns_sum _ _ ls Hn) in HJ by congruence.
  assert (HX : fold_right Rplus 0 (map x_of cols) <= columns_height (columns (length cols) rows_) ls).
  { pose proof (columns_good (length cols) rows_ Hg) as Hgc. revert Hcols Hgc. generalize (columns (length cols) rows_). intros cs Hcols Hgc. clear - Hcols Hgc El.
    revert ls El. induction Hcols as [|ws c cs cols (Hh & Hx) Hcols IH]; intros [|l ls] El; inversion El; inversion Hgc; subst; simpl; [lra|].
    pose proof (wave_below ws (p_of c) (cap_of c) (place_of c) l ltac:(assumption) ltac:(assumption) Hh).
    specialize (IH ltac:(assumption) ls ltac:(assumption)). lra. }
  unfold J_mean. rewrite map_length. assert (0 < INR (length draws)).
  { destruct draws; [congruence|]. apply (lt_INR 0). simpl. lia. }
  apply (Rmult_le_reg_l (INR (length draws))); [assumption|].
  replace (INR (length draws) * (fold_right Rplus 0 (map (fun W => J W ls) (map d_W draws)) / INR (length draws)))
    with (fold_right Rplus 0 (map (fun W => J W ls) (map d_W draws))) by (field; lra).
  lra.
Qed.

(* for exports *)
Definition fits_column ws c := least_wave_holds ws (p_of c) (cap_of c) (place_of c) /\ x_of c <= least_wave ws (p_of c) (place_of c).
Definition wave_in low high low' high' (d : draw) k p Z :=
  low <= prior k * delay_slope (d_L d) (d_W d) 1 0 0 Z k p <= high /\ low' <= prior k * delay_fixed (d_L d) (d_W d) 1 0 0 Z k p <= high'.

Lemma near_cons : forall X Y (P : X -> Y -> Prop) d ds Zs, Forall2 P (d :: ds) Zs -> exists Z Zs', Zs = Z :: Zs' /\ P d Z /\ Forall2 P ds Zs'.
Proof. intros X Y P d ds Zs H. inversion H; subst. eauto. Qed.
Lemma near_nil : forall X Y (P : X -> Y -> Prop) Zs, Forall2 P [] Zs -> Zs = [].
Proof. intros X Y P Zs H. inversion H. reflexivity. Qed.

